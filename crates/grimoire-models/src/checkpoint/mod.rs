//! A model on disk: a GGUF file or a Hugging Face folder, opened, its configuration read and checked, its
//! tokenizer and chat template found. The weights stay where they are.

mod folder;
mod gguf;

use crate::config::Config;
use crate::error::ModelError;
use crate::names::Naming;
use grimoire_format::gguf::Gguf;
use grimoire_format::{StoredTensor, is_file, safetensors};
use grimoire_text::Tokenizer;
use std::path::{Path, PathBuf};

/// An opened model.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    source: Source,
    config: Config,
    naming: Naming,
}

#[derive(Debug)]
enum Source {
    Gguf(Gguf),
    Folder(safetensors::Checkpoint),
}

/// Which kind of checkpoint it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// One GGUF file.
    Gguf,
    /// A Hugging Face folder.
    Folder,
}

impl Checkpoint {
    /// Opens a `.gguf` file, or a folder with `config.json` and safetensors.
    ///
    /// # Errors
    /// What is wrong with the header, the configuration or the architecture.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        if path.is_dir() {
            if !is_file(&path.join("config.json"))? {
                return Err(ModelError::NotAModel { path: path.to_owned() });
            }
            let weights = safetensors::Checkpoint::open(path)?;
            let (config, naming) = folder::config(path, &weights)?;
            return Ok(Self {
                path: path.to_owned(),
                source: Source::Folder(weights),
                config,
                naming,
            });
        }
        if path
            .extension()
            .is_some_and(|extension| extension == "safetensors" || extension == "json")
        {
            return Err(ModelError::NotAModel { path: path.to_owned() });
        }
        Self::from_gguf(Gguf::open(path)?)
    }

    /// A model from a GGUF file that is open already.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_gguf(file: Gguf) -> Result<Self, ModelError> {
        let config = gguf::config(&file)?;
        let path = file.file().path().to_owned();
        Ok(Self { path, source: Source::Gguf(file), config, naming: Naming::Gguf })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sizes and choices.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How its tensors are named.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// Which kind it is.
    pub fn container(&self) -> Container {
        match self.source {
            Source::Gguf(_) => Container::Gguf,
            Source::Folder(_) => Container::Folder,
        }
    }

    /// The GGUF file, when it is one: its metadata travel with a merged model.
    pub fn gguf(&self) -> Option<&Gguf> {
        match &self.source {
            Source::Gguf(file) => Some(file),
            Source::Folder(_) => None,
        }
    }

    /// All tensors.
    pub fn tensors(&self) -> &[StoredTensor] {
        match &self.source {
            Source::Gguf(file) => file.tensors(),
            Source::Folder(folder) => folder.tensors(),
        }
    }

    /// The tensor of that name in the file.
    pub fn tensor(&self, name: &str) -> Option<&StoredTensor> {
        match &self.source {
            Source::Gguf(file) => file.get(name),
            Source::Folder(folder) => folder.get(name),
        }
    }

    /// Whether linear weights are stored `[in, out]`, as Hugging Face's GPT-2 has them.
    pub fn stores_transposed(&self) -> bool {
        matches!(self.naming, Naming::HfGpt2 { .. })
    }

    /// Whether rows of q and k are permuted against Hugging Face's order: GGUF's llama architecture turns
    /// neighbouring values, so an adapter's rows are permuted on the way in and out.
    pub fn permutes_qk(&self) -> bool {
        self.gguf().is_some()
            && self
                .config
                .rotary
                .as_ref()
                .is_some_and(|rotary| rotary.pairs == grimoire_tensor::RopePairs::Neighbours)
    }

    /// The tokenizer.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn tokenizer(&self) -> Result<Tokenizer, ModelError> {
        match &self.source {
            Source::Gguf(file) => gguf::tokenizer(file),
            Source::Folder(_) => folder::tokenizer(&self.path),
        }
    }

    /// The source text of the chat template.
    ///
    /// # Errors
    /// When the file that holds it cannot be read, or it is no text there.
    pub fn chat_template(&self) -> Result<Option<String>, ModelError> {
        match &self.source {
            Source::Gguf(file) => {
                Ok(file.metadata().optional::<&str>("tokenizer.chat_template")?.map(str::to_owned))
            }
            Source::Folder(_) => folder::chat_template(&self.path),
        }
    }

    /// The file that holds the chat template, where there is one.
    pub fn chat_template_file(&self) -> PathBuf {
        match &self.source {
            Source::Gguf(_) => self.path.clone(),
            Source::Folder(_) => folder::chat_template_file(&self.path),
        }
    }
}
