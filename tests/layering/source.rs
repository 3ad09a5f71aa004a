//! One file, read with `syn`: what it defines, what it imports, what it names. Code under `#[cfg(test)]` is left out.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, ImplItem, Item, Meta, Token, UseTree, Visibility};

/// What one file says.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The file's own module first, then those that stand in it (`mod inner { … }`).
    pub(crate) scopes: Vec<Scope>,
    /// Modules that have files of their own.
    pub(crate) children: Vec<Child>,
    pub(crate) functions: Vec<Function>,
    /// How many lines stand under `#[cfg(test)]`.
    pub(crate) test_lines: usize,
}

/// A module as far as it stands in one file.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Its path from the file's own module on.
    pub(crate) module: Vec<String>,
    /// The names that it defines, modules excepted.
    pub(crate) items: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Every path that its code names.
    pub(crate) mentions: Vec<Mention>,
    /// Every `impl` of no trait.
    pub(crate) inherent: Vec<Methods>,
}

/// An `impl` of no trait.
#[derive(Clone, Debug)]
pub(crate) struct Methods {
    /// The type.
    pub(crate) of: Mention,
    pub(crate) names: BTreeSet<String>,
    /// The methods that these call on `self`.
    pub(crate) calls: Vec<Mention>,
}

/// One name of a `use`.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// What it is called here; `*` for all that there is.
    pub(crate) name: String,
    pub(crate) of: Mention,
    /// `pub use`, to whomever.
    pub(crate) passed_on: bool,
}

/// A path, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

#[derive(Debug)]
pub(crate) struct Child {
    /// Its path from the file's own module on.
    pub(crate) module: Vec<String>,
    /// What `#[path = "…"]` says.
    pub(crate) file: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From its signature to its end.
    pub(crate) lines: usize,
}

impl Source {
    pub(crate) fn read(text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let source = Self { scopes: vec![Scope::default()], ..Self::default() };
        let mut reader = Reader { source, at: 0, methods: None };
        reader.visit_file(&file);
        Ok(reader.source)
    }
}

struct Reader {
    source: Source,
    /// Which scope the code that is being read belongs to.
    at: usize,
    /// The `impl` of no trait that the code stands in.
    methods: Option<Methods>,
}

impl Reader {
    fn scope(&mut self) -> &mut Scope {
        &mut self.source.scopes[self.at]
    }

    fn mention<'a>(&mut self, idents: impl IntoIterator<Item = &'a Ident>, span: Span) {
        let path = idents.into_iter().map(plain).collect();
        self.scope().mentions.push(Mention { path, line: line(span) });
    }

    fn import(&mut self, tree: &UseTree, before: &[String], passed_on: bool) {
        let (ident, name) = match tree {
            UseTree::Path(it) => {
                let path = [before, &[plain(&it.ident)]].concat();
                return self.import(&it.tree, &path, passed_on);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|it| self.import(it, before, passed_on));
            }
            UseTree::Name(it) => (Some(&it.ident), plain(&it.ident)),
            UseTree::Rename(it) => (Some(&it.ident), plain(&it.rename)),
            UseTree::Glob(_) => (None, "*".to_owned()),
        };
        let mut path = before.to_vec();
        path.extend(ident.map(plain).filter(|it| it != "self" || before.is_empty()));
        let name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
        let of = Mention { path, line: line(tree.span()) };
        self.scope().imports.push(Import { name, of, passed_on });
    }

    fn function(&mut self, name: &Ident, from: Span, to: Span) {
        let (first, last) = (line(from), to.end().line);
        let lines = last + 1 - first;
        self.source.functions.push(Function { name: plain(name), line: first, lines });
    }

    /// The paths in a macro's arguments, whatever these mean to it: `a::b`, and what is written like a type's name.
    fn macro_arguments(&mut self, tokens: TokenStream) {
        let mut path: Vec<Ident> = Vec::new();
        let (mut colons, mut field) = (0, false);
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for token in tokens.iter().map(Some).chain([None]) {
            match token {
                Some(TokenTree::Punct(it)) if it.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                Some(TokenTree::Ident(it)) if path.is_empty() || colons == 2 => {
                    path.push(it.clone());
                    colons = 0;
                    continue;
                }
                _ => {}
            }
            let alone = path.len() == 1;
            if let Some(first) = path.first()
                && !field
                && (!alone || first.to_string().starts_with(char::is_uppercase))
            {
                self.mention(&path, first.span());
            }
            path.clear();
            colons = 0;
            field = matches!(token, Some(TokenTree::Punct(it)) if it.as_char() == '.');
            match token {
                Some(TokenTree::Ident(it)) => path.push(it.clone()),
                Some(TokenTree::Group(it)) => self.macro_arguments(it.stream()),
                _ => {}
            }
        }
    }

    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(it) => &it.ident,
            Item::Enum(it) => &it.ident,
            Item::Fn(it) => &it.sig.ident,
            Item::Static(it) => &it.ident,
            Item::Struct(it) => &it.ident,
            Item::Trait(it) => &it.ident,
            Item::TraitAlias(it) => &it.ident,
            Item::Type(it) => &it.ident,
            Item::Union(it) => &it.ident,
            _ => return,
        };
        let name = plain(name);
        self.scope().items.insert(name);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            let span = item.span();
            self.source.test_lines += span.end().line + 1 - line(span);
            return;
        }
        self.define(item);
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let mut module = self.scope().module.clone();
        module.push(plain(&item.ident));
        let Some((_, items)) = &item.content else {
            let file = item.attrs.iter().find_map(path_attribute);
            self.source.children.push(Child { module, file });
            return;
        };
        let outer = self.at;
        self.at = self.source.scopes.len();
        self.source.scopes.push(Scope { module, ..Scope::default() });
        items.iter().for_each(|it| self.visit_item(it));
        self.at = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let (None, syn::Type::Path(it)) = (&item.trait_, &*item.self_ty) {
            let path = it.path.segments.iter().map(|it| plain(&it.ident)).collect();
            let of = Mention { path, line: line(item.impl_token.span) };
            let methods = Methods { of, names: BTreeSet::new(), calls: Vec::new() };
            let outer = self.methods.replace(methods);
            visit::visit_item_impl(self, item);
            let methods = core::mem::replace(&mut self.methods, outer);
            self.scope().inherent.extend(methods);
        } else {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let (syn::Expr::Path(of), Some(methods)) = (&*call.receiver, &mut self.methods)
            && of.path.is_ident("self")
        {
            let path = vec![plain(&call.method)];
            methods.calls.push(Mention { path, line: line(call.method.span()) });
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(it) => &it.attrs,
            ImplItem::Fn(it) => &it.attrs,
            _ => &Vec::new(),
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if let Some(methods) = &mut self.methods {
            methods.names.insert(plain(&item.sig.ident));
        }
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig.ident, item.sig.span(), block.span());
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.mention(path.segments.iter().map(|it| &it.ident), path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        self.visit_path(&it.path);
        self.macro_arguments(it.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn line(span: Span) -> usize {
    span.start().line
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Whether an item is there in tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| match &it.meta {
        Meta::List(list) if it.path().is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|it| only_in_tests(&it))
        }
        meta => meta.path().is_ident("test"),
    })
}

fn only_in_tests(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    let parts = parts.unwrap_or_default();
    if list.path.is_ident("all") {
        return parts.iter().any(only_in_tests);
    }
    list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(only_in_tests)
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(it) = &attribute.meta else { return None };
    match &it.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
            if attribute.path().is_ident("path") =>
        {
            Some(text.value())
        }
        _ => None,
    }
}

#[test]
fn a_file_tells_what_it_imports_and_names() {
    let text = "
        use crate::a::{self, B as C, d::*};
        pub(crate) use super::x::Y;
        fn f(it: C) -> a::E { matches!(it, C::One | e::Two if it.self_ == [F, g]); h::<i::J>() }
        impl C {}
        mod inner { use super::*; }
        #[cfg(all(test, unix))] mod tests { use never::Seen; }
        impl K { #[cfg(test)] fn l() { never::seen() } }
        #[cfg(unix)] #[path = \"n.rs\"] mod m;
    ";
    let source = Source::read(text).expect("Rust");
    let shown = |it: &Mention| it.path.join("::");
    let outer = &source.scopes[0];
    let imports: Vec<String> =
        outer.imports.iter().map(|it| format!("{} = {}", it.name, shown(&it.of))).collect();
    assert_eq!(imports, ["a = crate::a", "C = crate::a::B", "* = crate::a::d", "Y = super::x::Y"]);
    assert_eq!(outer.imports.iter().filter(|it| it.passed_on).count(), 1);
    let mut mentions: Vec<String> = outer.mentions.iter().map(shown).collect();
    mentions.retain(|it| it != "matches");
    assert_eq!(mentions, ["C", "a::E", "C::One", "e::Two", "F", "h", "i::J", "C", "K"]);
    assert_eq!(outer.inherent.iter().map(|it| shown(&it.of)).collect::<Vec<_>>(), ["C", "K"]);
    assert_eq!(outer.items.iter().collect::<Vec<_>>(), ["f"]);
    assert_eq!(source.scopes[1].module, ["inner"]);
    assert_eq!(source.scopes.len(), 2);
    assert_eq!(source.children[0].file.as_deref(), Some("n.rs"));
}

#[test]
fn the_lines_of_a_function_and_of_tests_are_counted() {
    let text = "/// Doc.\n#[inline]\nfn f(\n) {\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
    let source = Source::read(text).expect("Rust");
    let f = &source.functions[0];
    assert_eq!((f.name.as_str(), f.line, f.lines), ("f", 3, 3));
    assert_eq!(source.test_lines, 3);
}
