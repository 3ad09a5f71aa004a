//! PURE: which words of a camera's path and query are secret.
//!
//! Many makers put the login there: `/user=admin&password=X&channel=1`, or the same with `_`,
//! `/admin:X/ch1`, `/live?p=X`, `/X/stream1`. This gives two sets of words. [`secrets`] are in the
//! usual places of a login; no line of the log contains them. [`words`] are all words of the path
//! that are not common to all cameras; they are removed from the lines of ffmpeg and the camera.

/// Shorter words are not removed, because they occur inside other words.
const SHORTEST: usize = 3;

/// Names of fields that contain a secret; they may be part of a longer name.
const SECRET_PARTS: [&str; 9] =
    ["pass", "pwd", "psw", "token", "secret", "auth", "key", "cred", "session"];
const SECRET_NAMES: [&str; 9] = ["p", "pw", "k", "pin", "code", "sig", "sign", "hash", "ticket"];

/// Words in the paths of cameras of all makers, without their digits.
const USUAL: &str = "admin aac api audio av auth axis bin cam camera cfg cgi ch channel channels \
    chn codec default device fps first h hd hevc high id img index jpg key lan lang live local low \
    main media mjpeg mode mp mpeg mpg multicast name no null onvif param pass password passwd play \
    port preview proto primary profile profiles psw pwd real realmonitor resolution rtsp sd sdp sec \
    second secondary service session stream streaming streams sub subtype tcp token track trackid \
    transport type udp unicast user username usr video videoinput vod";

/// The secrets in a path, as they are written there.
pub(super) fn secrets(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in parts(path) {
        for (name, value) in fields(part) {
            let name = name.to_ascii_lowercase();
            if SECRET_PARTS.iter().any(|s| name.contains(s)) || SECRET_NAMES.contains(&&*name) {
                found.push(value);
            }
        }
        // `/admin:X/`, but no `/h264:1/`.
        if let Some((_, password)) = part.split_once(':').filter(|_| !part.contains('=')) {
            found.push(password);
        }
    }
    found.retain(|word| word.len() >= SHORTEST && !is_usual(word));
    found
}

/// The words of a path that are specific to this camera, and the path itself.
pub(super) fn words(path: &str) -> Vec<&str> {
    let bare = path.trim_start_matches('/');
    let mut found = vec![path, bare];
    found.extend(bare.split_once('?').map(|(_, query)| query));
    for part in parts(path) {
        found.push(part);
        found.extend(fields(part).into_iter().map(|(_, value)| value));
        found.extend(part.split(['=', '_', ':', ',', '@']));
    }
    found.retain(|word| word.len() >= SHORTEST && !is_usual(word));
    found
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '?', '&', ';', '#'])
}

/// `user=admin_password=X_y_channel=1` as names and values: a value ends where the next name begins.
fn fields(part: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let starts: Vec<(usize, usize)> = part
        .match_indices('=')
        .map(|(at, _)| (part[..at].trim_end_matches(is_name).len(), at))
        // In `key=a=b` and `key=YQ==` only the first `=` ends a name.
        .filter(|(start, at)| start < at && !part[..*start].ends_with('='))
        .collect();
    let ends = starts.iter().skip(1).map(|(next, _)| {
        // Without the separator.
        part[..*next].char_indices().next_back().map_or(0, |(i, _)| i)
    });
    starts
        .iter()
        .zip(ends.chain([part.len()]))
        .map(|((start, at), end)| (&part[*start..*at], part.get(at + 1..end).unwrap_or_default()))
        .collect()
}

/// Whether the word reveals nothing: `live`, `ch01`, `h264`, `102`, but not `2018`.
fn is_usual(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.trim_start_matches('/').trim_end_matches(|c: char| c.is_ascii_digit());
    let known = || USUAL.split_whitespace().any(|usual| letters.eq_ignore_ascii_case(usual));
    digits <= 3 && (letters.is_empty() || known())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_a_path_is_found_however_the_maker_writes_it() {
        for (path, secret) in [
            ("/user=admin&password=Xy7&channel=1", "Xy7"),
            ("/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream", "tlJwpbo6"),
            ("/user=admin_password=a_b-c_channel=1", "a_b-c"),
            ("/cam/realmonitor?channel=1&subtype=0&authbasic=YWRtaW46WA==", "YWRtaW46WA=="),
            ("/admin:Xy7/ch1", "Xy7"),
            ("/live?u=me&p=Xy7", "Xy7"),
            ("/live;key=Xy7", "Xy7"),
            ("/live?apiKey=a=b", "a=b"),
        ] {
            assert!(secrets(path).contains(&secret), "{path}: {:?}", secrets(path));
            assert!(words(path).contains(&secret), "{path}: {:?}", words(path));
        }
    }

    #[test]
    fn what_every_camera_says_is_no_secret() {
        for path in [
            "/",
            "/live",
            "/h264/ch1/main/av_stream",
            "/Streaming/Channels/102",
            "/cam/realmonitor?channel=1&subtype=0",
            "/stream1",
        ] {
            assert_eq!(secrets(path), [""; 0], "{path}");
            let single = |w: &&str| !w.contains(['/', '?', '_', '=']);
            let told: Vec<_> = words(path).into_iter().filter(single).collect();
            assert_eq!(told, [""; 0], "{path}");
        }
        assert!(words("/Xy7/stream1").contains(&"Xy7"));
        assert!(words("/4711/stream1").contains(&"4711"));
    }
}
