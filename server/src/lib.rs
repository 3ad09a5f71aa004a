//! The companion server of Nearlive: RTSP cameras to DASH and HLS, in RAM.
