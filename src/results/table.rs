//! A CSV file whose rows are values of one type: its header is written when it is opened, so that a file without rows has one, too.
//!
//! Refuses to know what the columns mean.

use std::io::{self, Write};
use std::marker::PhantomData;

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

/// Writes rows of `T` below a header that is there from the start.
#[derive(Debug)]
pub(super) struct TableWriter<T, W: Write> {
    csv: csv::Writer<W>,
    rows: PhantomData<fn(T)>,
}

impl<T: Serialize + for<'de> Deserialize<'de>, W: Write> TableWriter<T, W> {
    /// A writer that has written the header.
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
        csv.write_record(columns::<T>())?;
        csv.flush()?;
        Ok(Self { csv, rows: PhantomData })
    }

    /// Writes one row into the buffer.
    pub(super) fn write(&mut self, row: &T) -> io::Result<()> {
        Ok(self.csv.serialize(row)?)
    }

    /// Hands everything written so far to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.csv.flush()
    }

    pub(super) fn out(&self) -> &W {
        self.csv.get_ref()
    }
}

/// The names of a struct's fields, as they are written: what its derived reader asks for. None for what is no struct.
fn columns<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It never reads a value: the names are all that is wanted.
    let _ = T::deserialize(FieldNames(&mut fields));
    fields
}

/// A source without a value that takes down what it is asked for.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{AnswerClass, Observation, Phase};
    use crate::record::timeline::Row;

    fn written<T: Serialize + for<'de> Deserialize<'de>>(rows: &[T]) -> String {
        let mut out = Vec::new();
        let mut table = TableWriter::new(&mut out).unwrap();
        for row in rows {
            table.write(row).unwrap();
        }
        table.flush().unwrap();
        drop(table);
        String::from_utf8(out).unwrap()
    }

    /// With rows a table is what the writer of CSV makes of them by itself, and without rows it is that writer's first line.
    #[test]
    fn headers_do_not_wait_for_rows() {
        fn holds<T: Serialize + for<'de> Deserialize<'de>>(row: &T) {
            let mut usual = csv::Writer::from_writer(Vec::new());
            usual.serialize(row).unwrap();
            let usual = String::from_utf8(usual.into_inner().unwrap()).unwrap();
            assert_eq!(written(std::slice::from_ref(row)), usual);
            assert_eq!(written::<T>(&[]), format!("{}\n", usual.lines().next().unwrap()));
        }
        holds(&Row { second: 3, response_p50_us: Some(7), ..Row::default() });
        let (round, segment, due_us, sent_us, done_us) = (1, 0, 5, 6, 9);
        holds(&Observation { round, segment, phase: Phase::Burst, due_us, sent_us, done_us, answer: AnswerClass::Accepted });
    }
}
