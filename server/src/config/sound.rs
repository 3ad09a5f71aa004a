//! PURE: `audio`, what to do with a camera's sound.

use serde::Deserialize;

use super::problem;

/// What to do with a camera's sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audio {
    /// AAC.
    Aac {
        /// One or two.
        channels: u32,
        /// Kilobits a second.
        kbps: u32,
    },
    /// None.
    Off,
}

impl Audio {
    /// One channel, 64 kb/s: most cameras have one channel.
    pub const MONO: Self = Self::Aac { channels: 1, kbps: 64 };
    /// Two channels, 128 kb/s.
    pub const STEREO: Self = Self::Aac { channels: 2, kbps: 128 };
}

impl Default for Audio {
    fn default() -> Self {
        Self::MONO
    }
}

/// Kilobits a second of one channel: the least that sounds, and the most that AAC has at 48 kHz.
const LEAST: i64 = 16;
const MOST: i64 = 256;

impl<'de> Deserialize<'de> for Audio {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            Own(Own),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Own {
            channels: Option<i64>,
            kbps: Option<i64>,
        }
        let wrong = |what: &'static str| serde::de::Error::custom(what);
        let own = match Written::deserialize(d).map_err(|_| wrong(problem::AUDIO))? {
            Written::Own(own) => own,
            Written::Word(word) => {
                return match word.as_str() {
                    "mono" => Ok(Self::MONO),
                    "stereo" => Ok(Self::STEREO),
                    "off" => Ok(Self::Off),
                    _ => Err(wrong(problem::AUDIO)),
                };
            }
        };
        let channels = match own.channels {
            None | Some(1) => 1u32,
            Some(2) => 2,
            Some(_) => return Err(wrong(problem::CHANNELS)),
        };
        let kbps = own.kbps.unwrap_or_else(|| 64 * i64::from(channels));
        let most = MOST * i64::from(channels);
        match u32::try_from(kbps).ok().filter(|_| (LEAST..=most).contains(&kbps)) {
            Some(kbps) => Ok(Self::Aac { channels, kbps }),
            None => Err(wrong(problem::AUDIO_KBPS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Camera {
        audio: Audio,
    }

    fn read(text: &str) -> Result<Audio, String> {
        let text = format!("audio = {text}");
        toml::from_str::<Camera>(&text).map(|c| c.audio).map_err(|e| problem::in_text(&text, &e))
    }

    #[test]
    fn sound_is_a_word_or_has_channels_and_a_rate() {
        let aac = |channels, kbps| Ok(Audio::Aac { channels, kbps });
        for (text, audio) in [
            ("'mono'", aac(1, 64)),
            ("'stereo'", aac(2, 128)),
            ("'off'", Ok(Audio::Off)),
            ("{ channels = 2, kbps = 160 }", aac(2, 160)),
            ("{ channels = 2 }", aac(2, 128)),
            ("{ kbps = 48 }", aac(1, 48)),
        ] {
            assert_eq!(read(text), audio, "{text}");
        }
    }

    #[test]
    fn sound_that_cannot_be_is_told_with_what_can() {
        for (text, part) in [
            ("{ channels = 7 }", "line 1: `channels` of `audio` is 1 or 2"),
            ("{ channels = 0, kbps = 64 }", "is 1 or 2"),
            ("{ kbps = 0 }", "line 1: `kbps` of `audio` is 16 to 256 for each channel"),
            ("{ channels = 2, kbps = 513 }", "16 to 256 for each channel"),
            ("{ kbps = -64 }", "16 to 256 for each channel"),
            ("{ chanels = 2 }", "line 1: `audio` is \"mono\", \"stereo\", \"off\" or"),
            ("{ channels = 'hunter2' }", "`audio` is \"mono\""),
            ("'hunter2'", "`audio` is \"mono\""),
            ("2", "`audio` is \"mono\""),
        ] {
            let e = read(text).expect_err(text);
            assert!(e.contains(part) && !e.contains("hunter2"), "{e}");
        }
    }
}
