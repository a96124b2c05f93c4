//! Thrift's compact protocol (apache/thrift, `thrift-compact-protocol.md`), as far as a Parquet footer needs it. Nothing
//! is set aside for what a length claims.

use super::super::findings::Trouble;
use super::DAMAGED;

/// Structs, lists and maps within each other. Parquet's own have six levels.
const MAX_DEPTH: usize = 32;

/// The bytes that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thrift<'a>(pub(super) &'a [u8]);

/// What stands in a field or a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    True,
    False,
    Byte,
    /// Of 16, 32 or 64 bits, which are written alike.
    Integer,
    Double,
    Binary,
    /// Or a set.
    List,
    Map,
    Struct,
    Uuid,
}

impl Type {
    fn parse(code: u8) -> Result<Self, Trouble> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(DAMAGED),
        })
    }
}

impl<'a> Thrift<'a> {
    /// Visits the fields of a struct. What the visitor doesn't read of a field, returning false, is passed over.
    pub(super) fn fields(
        &mut self,
        mut visit: impl FnMut(&mut Self, i64, Type) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        let mut id = 0;
        while let Some((next, kind)) = self.field(id)? {
            id = next;
            if !visit(self, id, kind)? {
                self.skip(kind, MAX_DEPTH)?;
            }
        }
        Ok(())
    }

    /// The next field's number and type; `None` at the struct's end.
    fn field(&mut self, last: i64) -> Result<Option<(i64, Type)>, Trouble> {
        let header = self.byte()?;
        if header == 0 {
            return Ok(None);
        }
        let id = match header >> 4 {
            0 => self.integer()?,
            step => last.saturating_add(i64::from(step)),
        };
        Ok(Some((id, Type::parse(header & 0x0f)?)))
    }

    /// A list's length, and the type of its items.
    pub(super) fn list(&mut self) -> Result<(u64, Type), Trouble> {
        let header = self.byte()?;
        let length = match header >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        // Some writers leave the type of an empty list away.
        let kind = if length == 0 {
            Type::Byte
        } else {
            Type::parse(header & 0x0f)?
        };
        Ok((length, kind))
    }

    pub(super) fn integer(&mut self) -> Result<i64, Trouble> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Trouble> {
        let length = self.varint()?;
        self.bytes(length)
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, kind: Type, depth: usize) -> Result<(), Trouble> {
        let depth = depth.checked_sub(1).ok_or(DAMAGED)?;
        match kind {
            Type::True | Type::False => {}
            Type::Byte => drop(self.byte()?),
            Type::Integer => drop(self.varint()?),
            Type::Double => drop(self.bytes(8)?),
            Type::Binary => drop(self.binary()?),
            Type::Uuid => drop(self.bytes(16)?),
            Type::List => {
                let (length, kind) = self.list()?;
                self.skip_items(length, kind, depth)?;
            }
            Type::Map => self.skip_map(depth)?,
            Type::Struct => {
                let mut id = 0;
                while let Some((next, kind)) = self.field(id)? {
                    id = next;
                    self.skip(kind, depth)?;
                }
            }
        }
        Ok(())
    }

    fn skip_map(&mut self, depth: usize) -> Result<(), Trouble> {
        let length = self.varint()?;
        if length == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        let (key, value) = (Type::parse(kinds >> 4)?, Type::parse(kinds & 0x0f)?);
        for _ in 0..length {
            self.skip_items(1, key, depth)?;
            self.skip_items(1, value, depth)?;
        }
        Ok(())
    }

    /// Each item takes at least one byte, so that a wrong length ends with the bytes.
    fn skip_items(&mut self, length: u64, kind: Type, depth: usize) -> Result<(), Trouble> {
        for _ in 0..length {
            match kind {
                Type::True | Type::False => drop(self.byte()?),
                kind => self.skip(kind, depth)?,
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Trouble> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DAMAGED)
    }

    fn byte(&mut self) -> Result<u8, Trouble> {
        let (first, rest) = self.0.split_first().ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(*first)
    }

    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Trouble> {
        let length = usize::try_from(length).map_err(|_| DAMAGED)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_zigzag() {
        // The examples of the protocol's page.
        for (bytes, value) in [
            (&[0][..], 0),
            (&[1], -1),
            (&[2], 1),
            (&[0xc7, 0x03], -228),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                i64::MIN,
            ),
        ] {
            assert_eq!(Thrift(bytes).integer(), Ok(value), "{bytes:?}");
        }
        assert_eq!(Thrift(&[0xff; 11]).integer(), Err(DAMAGED));
    }

    #[test]
    fn what_claims_to_be_long_ends_with_the_bytes() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Thrift(&huge).binary(), Err(DAMAGED));
        let list = [&[0xfc][..], &huge].concat();
        assert_eq!(Thrift(&list).skip(Type::List, MAX_DEPTH), Err(DAMAGED));
        let booleans = [&[0xf1][..], &huge, &[1; 100]].concat();
        assert_eq!(Thrift(&booleans).skip(Type::List, MAX_DEPTH), Err(DAMAGED));
        assert_eq!(
            Thrift(&[0x1c].repeat(1_000_000)).skip(Type::Struct, MAX_DEPTH),
            Err(DAMAGED)
        );
    }
}
