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
        let (data, result) = read_what_is_there(compression, file)?;
        result.map(|()| data)
    }

    /// What the file says, and what is wrong behind it.
    pub fn read_what_is_there(
        compression: Compression,
        file: File,
    ) -> io::Result<(Vec<u8>, io::Result<()>)> {
        let mut data = Vec::new();
        let result = decoder(compression, file)?.read_to_end(&mut data);
        Ok((data, result.map(drop)))
    }

    /// How much the file says, read in pieces of this size.
    pub fn count(compression: Compression, file: File, size: usize) -> io::Result<usize> {
        let mut decoder = decoder(compression, file)?;
        let mut piece = vec![0; size];
        let mut all = 0;
        loop {
            match decoder.read(std::hint::black_box(&mut piece))? {
                0 => return Ok(all),
                count => all += count,
            }
        }
    }

    /// Has the file say this.
    pub fn write<'a>(
        compression: Compression,
        file: File,
        level: Option<i32>,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> io::Result<()> {
        let mut encoder = encoder(compression, file, level)?;
        for piece in pieces {
            encoder.write_all(piece)?;
        }
        encoder.finish()
    }
}
