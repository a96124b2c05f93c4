//! ZIP bombs within time and memory: each is refused in under a second and 64 MB.
//!
//! Each bomb is given to a process of its own, whose peak memory is compared with what it was when only the file
//! had been read. Prints what they took, and fails above these limits. Build it with `--release`.

use std::error::Error;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use session_export::docx::annotate;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const SECONDS: f64 = 1.0;
const MEGABYTES: f64 = 64.0;
const DOCUMENT: &str =
    "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>";
const RELS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
    <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
    Target=\"word/document.xml\"/></Relationships>";

type Outcome<T> = Result<T, Box<dyn Error>>;
type Writer = ZipWriter<Cursor<Vec<u8>>>;

fn main() -> Outcome<()> {
    if let Some(file) = std::env::args_os().nth(1) {
        return refuse(Path::new(&file));
    }
    let file = std::env::temp_dir().join(format!("annotate-bomb-{}.docx", std::process::id()));
    let mut all_refused = true;
    for (name, bomb) in bombs()? {
        fs::write(&file, &bomb)?;
        write!(std::io::stdout(), "{name} in {} kB: ", bomb.len() >> 10)?;
        std::io::stdout().flush()?;
        all_refused &= Command::new(std::env::current_exe()?)
            .arg(&file)
            .status()?
            .success();
    }
    fs::remove_file(&file)?;
    if all_refused {
        Ok(())
    } else {
        Err(format!("a bomb was not refused within {SECONDS} s and {MEGABYTES} MB").into())
    }
}

/// Has one bomb refused, and prints what that took.
fn refuse(file: &Path) -> Outcome<()> {
    let document = fs::read(file)?;
    let before = peak_kilobytes()?;
    let start = Instant::now();
    let result = annotate(&document, &[], &[]);
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = f64::from(peak_kilobytes()?.saturating_sub(before)) / 1024.0;
    let Err(reason) = result else {
        writeln!(std::io::stdout(), "accepted")?;
        return Err("the bomb was accepted".into());
    };
    writeln!(
        std::io::stdout(),
        "{:.1} ms, {megabytes:.1} MB more at the peak: {reason}",
        seconds * 1_000.0
    )?;
    if seconds > SECONDS || megabytes > MEGABYTES {
        return Err("too much time or memory".into());
    }
    Ok(())
}

fn bombs() -> Outcome<Vec<(&'static str, Vec<u8>)>> {
    Ok(vec![
        ("1 GB that says so", with_main(" ", 1 << 30)?),
        (
            "60 MB that declares 5 kB",
            lying(with_main(" ", 60 << 20)?, 60 << 20, 5_000)?,
        ),
        (
            "60 MB that declares 5 MB",
            lying(with_main(" ", 60 << 20)?, 60 << 20, 5 << 20)?,
        ),
        ("63 MB that says so", with_main(" ", 63 << 20)?),
        ("three million empty paragraphs", with_main("<w:p/>", 3_000_000)?),
        ("5,000 parts of 100 kB", parts(4_990, 100 << 10)?),
        ("120 parts of 4 MB", parts(120, 4 << 20)?),
        ("66,000 empty parts", parts(66_000, 0)?),
    ])
}

fn start() -> Outcome<Writer> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("_rels/.rels", SimpleFileOptions::default())?;
    writer.write_all(RELS.as_bytes())?;
    Ok(writer)
}

/// A document whose main part holds something again and again.
fn with_main(content: &str, times: usize) -> Outcome<Vec<u8>> {
    let mut writer = start()?;
    writer.start_file("word/document.xml", SimpleFileOptions::default())?;
    writer.write_all(DOCUMENT.as_bytes())?;
    let block = content.repeat(1_000);
    for _ in 0..times / 1_000 {
        writer.write_all(block.as_bytes())?;
    }
    writer.write_all(content.repeat(times % 1_000).as_bytes())?;
    writer.write_all(b"</w:body></w:document>")?;
    Ok(writer.finish()?.into_inner())
}

/// Makes the main part declare another size.
fn lying(mut document: Vec<u8>, content: u32, declared: u32) -> Outcome<Vec<u8>> {
    let size = content + u32::try_from(DOCUMENT.len() + "</w:body></w:document>".len())?;
    let places: Vec<usize> = document
        .windows(4)
        .enumerate()
        .filter_map(|(at, bytes)| (bytes == size.to_le_bytes()).then_some(at))
        .collect();
    for at in places {
        document
            .get_mut(at..at + 4)
            .ok_or("no such place")?
            .copy_from_slice(&declared.to_le_bytes());
    }
    Ok(document)
}

/// A document with many more parts.
fn parts(count: usize, size: usize) -> Outcome<Vec<u8>> {
    let mut writer = start()?;
    let content = vec![b' '; size];
    for n in 0..count {
        writer.start_file(format!("{n}.xml"), SimpleFileOptions::default())?;
        writer.write_all(&content)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// The most memory this process ever had resident (proc(5), `VmHWM`).
fn peak_kilobytes() -> Outcome<u32> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
