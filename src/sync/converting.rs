//! Which converter is for which document, and what each made of it: found where it is kept, else made anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use sha2::{Digest, Sha256};

use super::Mirror;
use crate::convert::{Converter, ConverterOptions};
use crate::ledger::Conversions;
use crate::page::{DocPath, Failure};
use crate::render::Recipe;
use crate::source::files::Pattern;
use crate::stop::Stop;

/// Results that are held in memory where no ledger keeps them.
const MAX_HELD_BYTES: usize = 64 << 20;

/// The converters of a run, the first that takes a document before the others.
#[derive(Debug, Default)]
pub struct Converters {
    all: Vec<(Pattern, Arc<Converter>)>,
    stop: OnceLock<Stop>,
}

impl Converters {
    /// Converters that a run shares. Fails where a pattern is none.
    pub fn new(all: &[Arc<Converter>]) -> Result<Self, anyhow::Error> {
        let with_pattern = |converter: &Arc<Converter>| Ok((Pattern::new(converter.pattern())?, converter.clone()));
        Ok(Self { all: all.iter().map(with_pattern).collect::<Result<_, anyhow::Error>>()?, stop: OnceLock::new() })
    }

    /// Configured converters, not run yet.
    #[must_use]
    pub fn shared(options: &[ConverterOptions]) -> Vec<Arc<Converter>> {
        options.iter().cloned().map(Converter::new).map(Arc::new).collect()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The converter of a document.
    #[must_use]
    pub fn find(&self, path: &DocPath) -> Option<&Converter> {
        self.all.iter().find(|(pattern, _)| pattern.takes(path)).map(|(_, converter)| &**converter)
    }

    /// The patterns of the documents that they are for.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(_, converter)| converter.pattern())
    }

    /// A source's recipe with these converters: another command or version renders its documents again.
    #[must_use]
    pub fn recipe(&self, recipe: Recipe) -> Recipe {
        if self.is_empty() {
            return recipe;
        }
        let mut hash = Sha256::new_with_prefix(recipe.0);
        for (_, converter) in &self.all {
            hash.update(converter.identity());
            hash.update([0]);
        }
        Recipe(hash.finalize().into())
    }

    /// Ends what is running, and begins nothing more, once this is set.
    pub(super) fn obey(&self, stop: &Stop) {
        let _ = self.stop.set(stop.clone());
    }

    fn is_stopped(&self) -> bool {
        self.stop.get().is_some_and(Stop::is_set)
    }
}

/// What converters made of the documents of one look.
#[derive(Debug, Default)]
pub(super) struct Converted {
    kept: Option<Conversions>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    results: HashMap<DocPath, ([u8; 32], Arc<str>)>,
    bytes: usize,
}

impl Converted {
    pub(super) fn new(kept: Option<Conversions>) -> Self {
        Self { kept, held: Mutex::default() }
    }

    /// What the converter of a document makes of a text; `None`: there is no converter for it.
    pub(super) fn convert(&self, mirror: &Mirror, path: &DocPath, text: &[u8]) -> Option<Result<String, Failure>> {
        let converter = mirror.converters.find(path)?;
        let key: [u8; 32] =
            Sha256::new_with_prefix(converter.identity()).chain_update([0]).chain_update(text).finalize().into();
        if let Some(found) = self.find(mirror, path, &key) {
            return Some(Ok(found));
        }
        let made = converter.convert(&path.extension(), text, &|| mirror.converters.is_stopped());
        if let Ok(html) = &made {
            self.keep(mirror, path, key, html);
        }
        Some(made)
    }

    fn find(&self, mirror: &Mirror, path: &DocPath, key: &[u8; 32]) -> Option<String> {
        if let Ok(held) = self.held.lock()
            && let Some((_, html)) = held.results.get(path).filter(|(known, _)| known == key)
        {
            return Some(html.to_string());
        }
        // A ledger that cannot be read now costs a conversion, no more.
        self.kept.as_ref()?.find(mirror.name.as_str(), path, key).ok().flatten()
    }

    fn keep(&self, mirror: &Mirror, path: &DocPath, key: [u8; 32], html: &str) {
        let name = mirror.name.as_str();
        if self.kept.as_ref().is_some_and(|kept| kept.keep(name, path, &key, html).unwrap_or(false)) {
            return;
        }
        if let Ok(mut held) = self.held.lock()
            && held.bytes + html.len() <= MAX_HELD_BYTES
        {
            held.bytes += html.len();
            held.results.insert(path.clone(), (key, html.into()));
        }
    }
}
