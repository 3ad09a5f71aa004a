//! Syntax to model: inheritance, BaseURLs, times (23009-1 5.3.2.1, 5.3.9, 5.6, A.3).
