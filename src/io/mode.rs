//! What a file is opened for: the modes of Python's `open`.

use std::fmt;
use std::fs;
use std::str::FromStr;

/// What a file is opened for, made from a text such as `"r"`, `"w+"` or `"rb"`.
///
/// ```
/// use aiomisc::io::Mode;
///
/// let mode: Mode = "+br".parse()?;
/// assert!(mode.readable() && mode.writable() && mode.is_binary());
/// assert_eq!(mode.to_string(), "rb+");
///
/// let error = "rw".parse::<Mode>().unwrap_err();
/// assert!(error.to_string().starts_with("invalid mode `rw`: `r` and `w` exclude each other"));
/// # Ok::<(), aiomisc::io::ModeError>(())
/// ```
///
/// | | the file | begins at | reads | writes |
/// |---|---|---|---|---|
/// | `r` | must exist | 0 | yes | with `+` |
/// | `w` | is made or emptied | 0 | with `+` | yes |
/// | `a` | is made if need be | its end | with `+` | yes, always at the end |
/// | `x` | must not exist | 0 | with `+` | yes |
///
/// `b` stands for bytes, `t` for text, which is the default. The letters come in any order, each at
/// most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mode {
    access: Access,
    update: bool,
    binary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Access {
    Read,
    Write,
    Append,
    Create,
}

impl Access {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'r' => Self::Read,
            'w' => Self::Write,
            'a' => Self::Append,
            'x' => Self::Create,
            _ => return None,
        })
    }

    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Write => 'w',
            Self::Append => 'a',
            Self::Create => 'x',
        }
    }
}

impl Mode {
    /// Whether the file can be read.
    #[must_use]
    pub fn readable(self) -> bool {
        self.update || self.access == Access::Read
    }

    /// Whether the file can be written.
    #[must_use]
    pub fn writable(self) -> bool {
        self.update || self.access != Access::Read
    }

    /// Whether everything is written at the end of the file.
    #[must_use]
    pub fn appends(self) -> bool {
        self.access == Access::Append
    }

    /// Whether it is for bytes (`b`), not for text.
    #[must_use]
    pub fn is_binary(self) -> bool {
        self.binary
    }

    /// Whether a compressed file begins with what is written, not with what is read.
    pub(super) fn starts_by_writing(self) -> bool {
        self.access != Access::Read
    }

    /// What the system is asked for.
    pub(super) fn options(self) -> fs::OpenOptions {
        let mut options = fs::OpenOptions::new();
        options.read(self.readable());
        match self.access {
            Access::Read => options.write(self.update),
            Access::Write => options.write(true).create(true).truncate(true),
            Access::Append => options.append(true).create(true),
            Access::Create => options.write(true).create_new(true),
        };
        options
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let error = |fault| ModeError {
            mode: text.to_owned(),
            fault,
        };
        let (mut access, mut kind, mut update) = (None, None, false);
        for (at, letter) in text.char_indices() {
            if text[..at].contains(letter) {
                return Err(error(Fault::Twice(letter)));
            }
            match (letter, Access::of(letter)) {
                (_, Some(this)) => {
                    if let Some(other) = access.replace(this) {
                        return Err(error(Fault::Exclude(other.letter(), letter)));
                    }
                }
                ('+', _) => update = true,
                ('b' | 't', _) => {
                    if let Some(other) = kind.replace(letter) {
                        return Err(error(Fault::Exclude(other, letter)));
                    }
                }
                _ => return Err(error(Fault::Unknown(letter))),
            }
        }
        Ok(Self {
            access: access.ok_or_else(|| error(Fault::NoAccess))?,
            update,
            binary: kind == Some('b'),
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = if self.binary { "b" } else { "" };
        let update = if self.update { "+" } else { "" };
        write!(f, "{}{binary}{update}", self.access.letter())
    }
}

/// Says what is wrong with a mode, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeError {
    mode: String,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Unknown(char),
    Twice(char),
    Exclude(char, char),
    NoAccess,
    NotText,
    NotBinary,
}

impl ModeError {
    /// The mode is for bytes where text is wanted, or the other way round.
    pub(super) fn wants(mode: &str, binary: bool) -> Self {
        let fault = if binary {
            Fault::NotBinary
        } else {
            Fault::NotText
        };
        Self {
            mode: mode.to_owned(),
            fault,
        }
    }
}

impl fmt::Display for ModeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid mode `{}`: ", self.mode.escape_debug())?;
        match self.fault {
            Fault::Unknown(letter) => write!(f, "`{}` means nothing", letter.escape_debug())?,
            Fault::Twice(letter) => write!(f, "`{letter}` stands there twice")?,
            Fault::Exclude(one, other) => write!(f, "`{one}` and `{other}` exclude each other")?,
            Fault::NoAccess => f.write_str("it says neither `r`, `w`, `a` nor `x`")?,
            Fault::NotText => {
                return f.write_str(
                    "it is for bytes, and the file is wanted for text: leave the `b` out, or ask for \
                     a `BinaryFile`",
                );
            }
            Fault::NotBinary => {
                return f.write_str(
                    "it is for text, and the file is wanted for bytes: add a `b`, or ask for a \
                     `TextFile`",
                );
            }
        }
        f.write_str(
            "; a mode is one of `r`, `w`, `a` and `x`, with `+` to read and write, and with `b` for \
             bytes or `t` for text",
        )
    }
}

impl std::error::Error for ModeError {}
