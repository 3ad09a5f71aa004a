//! PURE: why there is nothing to report, as a sentence.
//!
//! For a camera the sentences are those that the server has for it ([`Cause`]); what stands on the
//! web or in a file is no camera.

use super::argv::Target;
use crate::camera::address::Address;
use crate::engine::cause::Cause;
use crate::repeat;

/// The sentence for `cause`; none: nothing came in time.
pub(super) fn sentence(target: &Target, cause: Option<Cause>) -> String {
    match target {
        Target::File(path) => {
            format!("{}: {}", repeat::path(path, "the file to probe"), of_file(cause))
        }
        Target::Address(address) if address.is_web() => of_web(&address.place(), cause),
        Target::Address(address) => of_camera(address, cause),
    }
}

fn of_camera(address: &Address, cause: Option<Cause>) -> String {
    let cause = match cause {
        Some(Cause::PasswordRefused) if !address.has_login() => Cause::LoginWanted,
        Some(Cause::TransportRefused) => {
            let place = address.place();
            return format!(
                "{place} wants RTP over UDP, by which `probe` does not ask; the server does where `transport = \"udp\"` is set"
            );
        }
        Some(cause) => cause,
        None => Cause::NothingCame,
    };
    cause.lasting(&address.place())
}

fn of_web(place: &str, cause: Option<Cause>) -> String {
    match cause {
        Some(Cause::PasswordRefused | Cause::LoginWanted) => {
            format!("{place} wants a user and a password, or refuses those in the address")
        }
        Some(Cause::Forbidden) => format!("{place} refuses access to this address"),
        Some(Cause::NoSuchStream) => format!("{place} has nothing at this path (404)"),
        Some(Cause::CameraError(status)) => format!("{place} answered with error {status}"),
        Some(Cause::NotRtsp | Cause::EngineFailed(..)) => format!(
            "what {place} sends is no film, stream or list (.m3u8, .mpd) that ffmpeg can read"
        ),
        Some(Cause::HungUp) => format!("{place} closed the connection"),
        None | Some(Cause::NothingCame) => {
            format!("{place} sends nothing that can be read, for too long")
        }
        Some(cause) => cause.lasting(place),
    }
}

fn of_file(cause: Option<Cause>) -> String {
    match cause {
        None => "reading it takes too long".into(),
        Some(cause @ (Cause::EngineMissing(..) | Cause::EngineCrashed(..))) => cause.lasting(""),
        Some(Cause::PictureTooBig(w, h)) => {
            format!("its picture is {w} x {h}, more than can be decoded")
        }
        Some(_) => "this is no film, stream or list (.m3u8, .mpd) that ffmpeg can read".into(),
    }
}

/// The sentence where there is no video; `sound` is what there is.
pub(super) fn no_video(of: &str, sound: Option<&str>) -> String {
    match sound {
        Some(sound) => format!("{of}: there is no video in it, only sound ({sound})"),
        None => format!("{of}: there is neither video nor sound in it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kind::Kind;

    #[test]
    fn each_kind_of_target_has_its_words() {
        let address = |text: &str| Target::Address(Address::parse_any(text).unwrap());
        for (target, cause, part) in [
            (
                address("rtsp://u:p@h/x"),
                Some(Cause::PasswordRefused),
                "the camera refused the password",
            ),
            (address("rtsp://h/x"), Some(Cause::PasswordRefused), "the camera wants a user"),
            (address("rtsp://h/x"), Some(Cause::ConnectionRefused), "nothing answers at h:554"),
            (address("rtsp://h/x"), None, "sends no picture"),
            (address("http://h/x"), Some(Cause::NoSuchStream), "h:80 has nothing at this path"),
            (address("http://h/x"), Some(Cause::ConnectionRefused), "nothing answers at h:80"),
            (address("http://h/x"), Some(Cause::NotRtsp), "no film, stream or list"),
            (
                Target::File("a.txt".into()),
                Some(Cause::EngineFailed(Kind::Ffmpeg, "x".into())),
                "a.txt: this is no film",
            ),
            (Target::File("u:hunter2@h".into()), None, "the file to probe: reading"),
        ] {
            let said = sentence(&target, cause);
            assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
            assert!(
                matches!(&target, Target::Address(a) if !a.is_web()) || !said.contains("camera")
            );
        }
    }
}
