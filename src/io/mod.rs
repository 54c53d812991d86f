//! Files.

mod compression;

pub use self::compression::Compression;

/// The codecs without the handle around them, for measurements and foreign programs.
#[doc(hidden)]
pub mod codecs {
    use std::fs::File;
    use std::io::{self, Read, Write};

    use super::Compression;
    use super::compression::{decoder, encoder};

    /// What the file says.
    pub fn read(compression: Compression, file: File) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        decoder(compression, file)?.read_to_end(&mut data)?;
        Ok(data)
    }

    /// Has the file say this.
    pub fn write(compression: Compression, file: File, level: Option<i32>, pieces: &[&[u8]]) -> io::Result<()> {
        let mut encoder = encoder(compression, file, level)?;
        for piece in pieces {
            encoder.write_all(piece)?;
        }
        encoder.finish()
    }
}
