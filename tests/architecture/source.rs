//! Rust text, read as far as the architecture needs it: which paths a file names,
//! from which module, and whether only tests do. No macros are expanded and no
//! types are known.

use std::collections::{BTreeMap, BTreeSet};

/// A path that a file names, in full where it starts in this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `crate`, `domain`, `cka`: or the name of another crate first.
    pub path: Vec<String>,
    /// Line, from 1.
    pub line: usize,
    /// Only tests name it.
    pub test: bool,
    /// Nothing but handed on: `pub use`.
    pub handed_on: bool,
}

/// A file of a crate.
#[derive(Debug, Clone)]
pub struct Source {
    /// `app/grid/mod.rs`: below the crate's folder.
    pub file: String,
    /// The module that it is: `crate`, `app`, `grid`.
    pub module: Vec<String>,
    pub named: Vec<Named>,
    /// Modules declared in it, and whether for tests only.
    pub children: BTreeMap<String, bool>,
}

/// The files of a crate; a file in a module for tests is one for tests.
pub fn read(files: &[(String, String)]) -> Vec<Source> {
    let mut sources: Vec<Source> = files.iter().map(|(file, text)| parse(file, text)).collect();
    let tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|s| s.children.iter().filter(|(_, test)| **test).map(|(child, _)| join(s, child)))
        .collect();
    for source in &mut sources {
        if tests.iter().any(|module| source.module.starts_with(module)) {
            source.named.iter_mut().for_each(|named| named.test = true);
        }
    }
    sources
}

fn join(source: &Source, child: &str) -> Vec<String> {
    source.module.iter().cloned().chain([child.to_string()]).collect()
}

/// `app/grid/mod.rs` is `crate::app::grid`.
fn module(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let parts = stem.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    std::iter::once("crate").chain(parts).map(String::from).collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Sign(char),
}

/// Words and signs with their lines; comments, texts and lifetimes are left out.
fn tokens(text: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut out, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            'r' if raw(&chars, i).is_some() => {
                let hashes = raw(&chars, i).unwrap_or(0);
                let end: Vec<char> = format!("\"{}", "#".repeat(hashes)).chars().collect();
                i += 2 + hashes;
                while i < chars.len() && !chars[i..].starts_with(&end) {
                    i += 1;
                }
                i += end.len();
            }
            '"' => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            '\'' => i += 1,
            ':' if at(i + 1) == ':' => {
                out.push((Token::Path, line));
                i += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                out.push((Token::Word(chars[start..i].iter().collect()), line));
            }
            c => {
                if !c.is_whitespace() {
                    out.push((Token::Sign(c), line));
                }
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// Hashes of a raw text that starts here.
fn raw(chars: &[char], i: usize) -> Option<usize> {
    let before = i.checked_sub(1).and_then(|b| chars.get(b));
    if before.is_some_and(|c| (c.is_alphanumeric() && *c != 'b') || *c == '_') {
        return None;
    }
    let hashes = chars.iter().skip(i + 1).take_while(|c| **c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some(hashes)
}

struct Parser<'a> {
    tokens: &'a [(Token, usize)],
    at: usize,
    /// The module that the text here is in.
    module: Vec<String>,
    /// Modules declared in the file.
    modules: BTreeSet<String>,
    source: Source,
}

/// One file.
fn parse(file: &str, text: &str) -> Source {
    let tokens = tokens(text);
    let module = module(file);
    let source = Source {
        file: file.to_string(),
        module: module.clone(),
        named: Vec::new(),
        children: BTreeMap::new(),
    };
    // a module may be used before it is declared
    let modules = tokens.windows(3).filter_map(|three| match three {
        [(Token::Word(word), _), (Token::Word(name), _), (Token::Sign(';'), _)]
            if word == "mod" =>
        {
            Some(name.clone())
        }
        _ => None,
    });
    let mut parser = Parser { tokens: &tokens, at: 0, module, modules: modules.collect(), source };
    parser.items(false);
    parser.source
}

impl Parser<'_> {
    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.token(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn sign(&self, ahead: usize, c: char) -> bool {
        self.token(ahead) == Some(&Token::Sign(c))
    }

    /// Everything up to the brace that ends what we are in.
    fn items(&mut self, test: bool) {
        // braces open here, and whether what comes next is for tests only
        let (mut depth, mut next, mut handed_on) = (0usize, false, false);
        // the depth that a block for tests ends at
        let mut block: Option<usize> = None;
        while self.at < self.tokens.len() {
            let here = test || next || block.is_some();
            if self.sign(0, '#') && self.sign(1, '[') {
                let words = ["cfg", "test"].map(String::from).map(Token::Word);
                let (cfg, of) =
                    (self.token(2) == Some(&words[0]), self.token(4) == Some(&words[1]));
                next |= cfg && of;
                self.at += 1;
                self.skip('[', ']');
            } else if self.word(0) == Some("mod") && self.word(1).is_some() {
                let name = self.word(1).unwrap_or_default().to_string();
                self.at += 2;
                if self.sign(0, '{') {
                    self.at += 1;
                    self.module.push(name);
                    self.items(here);
                    self.module.pop();
                } else {
                    self.source.children.insert(name, here);
                }
                next = false;
            } else if self.word(0) == Some("pub") {
                self.at += 1;
                if self.sign(0, '(') {
                    self.skip('(', ')');
                }
                handed_on = self.word(0) == Some("use");
            } else if self.word(0) == Some("use") {
                self.at += 1;
                self.tree(Vec::new(), here, handed_on);
                (next, handed_on) = (false, false);
            } else if self.word(0).is_some() && self.token(1) == Some(&Token::Path) {
                self.path(here);
            } else {
                if self.sign(0, '{') {
                    depth += 1;
                    if next && block.is_none() {
                        block = Some(depth);
                    }
                    next = false;
                } else if self.sign(0, '}') {
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                    if block == Some(depth) {
                        block = None;
                    }
                    depth -= 1;
                } else if self.sign(0, ';') {
                    next = false;
                }
                self.at += 1;
            }
        }
    }

    fn skip(&mut self, open: char, close: char) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            depth += i32::from(self.sign(0, open)) - i32::from(self.sign(0, close));
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// A tree of imports: `a::{b, c::*}`.
    fn tree(&mut self, mut path: Vec<String>, test: bool, handed_on: bool) {
        loop {
            let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
            match self.token(0).cloned() {
                Some(Token::Word(word)) if word == "as" => self.at += 2,
                Some(Token::Word(word)) => {
                    self.at += 1;
                    path.push(word);
                    if self.token(0) != Some(&Token::Path) {
                        self.add(path.clone(), line, test, handed_on);
                    }
                }
                Some(Token::Path) => self.at += 1,
                Some(Token::Sign('*')) => {
                    self.at += 1;
                    self.add(path.clone(), line, test, handed_on);
                }
                Some(Token::Sign('{')) => {
                    self.at += 1;
                    while !self.sign(0, '}') && self.at < self.tokens.len() {
                        self.tree(path.clone(), test, handed_on);
                        if self.sign(0, ',') {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                }
                _ => return,
            }
        }
    }

    /// A path within code.
    fn path(&mut self, test: bool) {
        let line = self.tokens[self.at].1;
        let mut path = Vec::new();
        let relative =
            self.at > 0 && matches!(self.tokens[self.at - 1].0, Token::Sign('.') | Token::Path);
        while let Some(word) = self.word(0).map(String::from) {
            path.push(word);
            self.at += 1;
            if self.token(0) != Some(&Token::Path) {
                break;
            }
            self.at += 1;
        }
        if !relative {
            self.add(path, line, test, false);
        }
    }

    fn add(&mut self, path: Vec<String>, line: usize, test: bool, handed_on: bool) {
        let Some(first) = path.first().map(String::as_str) else { return };
        let mut full = match first {
            "crate" => vec!["crate".to_string()],
            "self" => self.module.clone(),
            "super" => self.module[..self.module.len().saturating_sub(1)].to_vec(),
            // a child of this module, or another crate
            _ if self.modules.contains(first) => {
                let mut full = self.source.module.clone();
                full.push(first.to_string());
                full
            }
            _ => vec![first.to_string()],
        };
        for word in &path[1..] {
            match word.as_str() {
                "super" => _ = full.pop(),
                "self" => {}
                word => full.push(word.to_string()),
            }
        }
        self.source.named.push(Named { path: full, line, test, handed_on });
    }
}
