//! Files that are replaced as a whole.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use aiomisc::io::write_atomic;

use super::shared::Folder;
use super::{chain, give_up};

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.join("")).expect("it is there");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn a_file_is_made_or_replaced() {
    let folder = Folder::new();
    let path = folder.join("file");
    write_atomic(&path, "first").await.expect("room");
    assert_eq!(fs::read_to_string(&path).expect("text"), "first");
    // As a file that is made otherwise.
    fs::write(folder.join("other"), "").expect("room");
    assert_eq!(mode(&path), mode(&folder.join("other")));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
    write_atomic(&path, *b"second").await.expect("room");
    assert_eq!(fs::read_to_string(&path).expect("text"), "second");
    assert_eq!(mode(&path), 0o640);
    write_atomic(&path, vec![b'x'; 3 << 20])
        .permissions(0o600)
        .sync(false)
        .await
        .expect("room");
    assert_eq!(fs::metadata(&path).expect("it is there").len(), 3 << 20);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(names(&folder), ["file", "other"]);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn links_stay_links() {
    let folder = Folder::new();
    let (link, target) = (folder.join("link"), folder.join("target"));
    symlink("target", &link).expect("ours");
    for content in ["made", "replaced"] {
        write_atomic(&link, content).await.expect("room");
        assert_eq!(fs::read_to_string(&target).expect("text"), content);
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink()
        );
    }
    let around = folder.join("around");
    symlink("around", &around).expect("ours");
    write_atomic(&around, "").await.expect_err("it has no end");
    assert_eq!(names(&folder), ["around", "link", "target"]);
}

/// It is its owner who replaces it.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn special_permissions_stay_with_their_owner() {
    let folder = Folder::new();
    let path = folder.join("file");
    fs::write(&path, "old").expect("room");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4751)).expect("ours");
    write_atomic(&path, "new").await.expect("room");
    assert_eq!(mode(&path), 0o4751);
}

#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn what_cannot_be_replaced_is_told_and_nothing_is_left() {
    let folder = Folder::new();
    let directory = folder.join("directory");
    fs::create_dir(&directory).expect("ours");
    let error = write_atomic(&directory, "").await.expect_err("a directory");
    assert_eq!(
        (error.kind(), error.path()),
        (ErrorKind::IsADirectory, &*directory)
    );
    let text = chain(&error);
    assert!(
        text.starts_with(&format!("cannot replace {}: ", directory.display())),
        "{text}"
    );
    let error = write_atomic(directory.join("no").join("file"), "").await;
    assert_eq!(error.expect_err("no directory").kind(), ErrorKind::NotFound);
    let error = write_atomic("/dev/null", "").await.expect_err("a device");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(names(&folder), ["directory"]);
}

/// The old content or the new, whenever it is given up, and no other file.
#[aiomisc::test(runtimes(all), timeout = "20s")]
async fn giving_up_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new();
    let path = folder.join("file");
    let (old, new) = ("old".repeat(1 << 20), "new".repeat(1 << 20));
    for polls in 0..20 {
        fs::write(&path, &old).expect("room");
        let pool = aiomisc::thread::ThreadPool::new(1).expect("valid");
        let writing = write_atomic(&path, &*new).sync(false).pool(pool.clone());
        let done = give_up(polls, writing).await;
        pool.shutdown(true).await.expect("nothing is left");
        let content = fs::read_to_string(&path).expect("text");
        assert!(
            content == old && done.is_none() || content == new,
            "{polls}"
        );
        assert_eq!(names(&folder), ["file"]);
    }
}
