// XMLHttpRequest in the shape of fetch(), as far as the player needs it: for a browser without readable streams, and for a page
// that asks for it. loader.js downloads it where it is needed only.
//
// The answer is taken as text of the charset "x-user-defined", in which each byte is a character: bytes 0x80 to 0xff are U+F780
// to U+F7FF (Encoding Standard, 14.5). So it can be read while it arrives, which no other type of answer allows.

/** Marks at the start of a text that make the browser read it as UTF-8 all the same are the only cause of other characters. */
const bytesOf = (text) => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f && (code < 0xf780 || code > 0xf7ff)) return new TextEncoder().encode(text);
    bytes[i] = code;
  }
  return bytes;
};

/** The headers that a page may see. `getResponseHeader()` would put an error into the console for each of the others. */
const headersOf = (xhr) => {
  const all = new Map();
  for (const line of xhr.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) all.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { get: (name) => all.get(name.toLowerCase()) ?? null };
};

/** What `fetch` may be. `prepare`: called with each request and its address, and waited for, before it is sent; it may open it anew. */
export const overXhr = (prepare) => (url, init = {}) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const method = init.method ?? "GET";
    let read = 0; // characters that were given out
    let failed = null;
    let wake = () => {}; // of a read that waits for more
    xhr.open(method, url);
    xhr.withCredentials = init.credentials === "include";
    const reader = {
      async read() {
        for (;;) {
          if (failed) throw failed;
          const over = xhr.readyState === XMLHttpRequest.DONE;
          const text = xhr.responseText.slice(read);
          if (text) {
            read += text.length;
            return { done: false, value: bytesOf(text) };
          }
          if (over) return { done: true, value: undefined };
          await new Promise((more) => (wake = more));
        }
      },
    };
    const answer = () => ({
      status: xhr.status,
      url: xhr.responseURL,
      headers: headersOf(xhr),
      body: method === "HEAD" ? null : { getReader: () => reader },
    });
    const fails = (error) => {
      failed = error;
      reject(error);
      wake();
    };
    xhr.onreadystatechange = () => xhr.readyState >= XMLHttpRequest.HEADERS_RECEIVED && xhr.status && resolve(answer());
    xhr.onprogress = xhr.onload = () => wake();
    xhr.onerror = () => fails(new TypeError("the request failed"));
    xhr.ontimeout = () => fails(new TypeError("the request took too long"));
    const aborted = () => fails(new DOMException("the request was aborted", "AbortError"));
    init.signal?.addEventListener("abort", () => {
      xhr.abort(); // of one that is over it tells nothing
      aborted();
    });
    const send = () => {
      if (init.signal?.aborted) return aborted();
      for (const [name, value] of Object.entries(init.headers ?? {})) xhr.setRequestHeader(name, value);
      xhr.overrideMimeType("text/plain; charset=x-user-defined");
      xhr.send();
    };
    const context = { url, type: /\.m3u8($|[?#])/i.test(url) ? "manifest" : "fragment", responseType: "text" };
    if (prepare) (async () => prepare(xhr, url, context))().then(send).catch(fails);
    else send();
  });
