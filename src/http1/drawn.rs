//! What both ends draw for their laws.

use proptest::prelude::*;
use proptest::sample::select;

/// Bodies in chunks, many of them wrong: lines of sizes without digits, with a line feed alone, with blanks in front; ends that are none.
pub(crate) fn chunked() -> impl Strategy<Value = String> {
    let extension = select(vec!["", "", ";a=b", "; x", " ", ";a\n", "\n"]);
    let chunk = ("[a-z]{1,20}", extension, select(vec!["\r\n", "\r\n", "\r\n", "\n", "x"]));
    let last = select(vec![
        "0\r\n\r\n",
        "0\r\n\r\n",
        "0\r\n\r\n",
        "0\r\nT: 1\r\n\r\n",
        "0\r\nT: 1\r\nU: 2\r\n\r\n",
        "0\r\nT: 1\nU: 2\r\n\r\n",
        "0\r\nT: 1\rU: 2\r\n\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\n",
        "0\r\n\rx",
        "000\r\n\r\n",
        "00000000000000000000\r\n\r\n",
        "\r\n\r\n",
        ";x\r\n\r\n",
        " 0\r\n\r\n",
        "0;x\n\r\n",
        "zz\r\n",
        "ffffffffffffffffff\r\n",
    ]);
    (prop::collection::vec(chunk, 0..4), last).prop_map(|(chunks, last)| {
        let chunks = chunks.iter().map(|(data, extension, end)| format!("{:x}{extension}\r\n{data}{end}", data.len()));
        chunks.chain([last.to_owned()]).collect()
    })
}
