#!/usr/bin/python3
"""An RTSP server on GStreamer's library, so that tests meet a camera that is not our own.

Prints "rtsp://127.0.0.1:PORT/PATH" on the first line once it listens; ends on SIGTERM, on Ctrl-C,
or when standard input ends (which it does when the parent process is gone).

Debian: gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-{base,good,ugly}; run it with
/usr/bin/python3, the interpreter that python3-gi is for.
"""

import argparse
import os
import signal
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  (versions come first)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--path", default="live")
    parser.add_argument("--size", default="1280x720", metavar="WxH")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--gop", type=int, default=0, metavar="FRAMES", help="0: a second")
    parser.add_argument("--bitrate", type=int, default=2000, metavar="KBPS")
    parser.add_argument("--audio", choices=["alaw", "mulaw", "none"], default="alaw")
    parser.add_argument("--auth", choices=["none", "basic", "digest"], default="none")
    parser.add_argument("--user", default="user")
    parser.add_argument("--password", default="password")
    return parser.parse_args()


def pipeline(args):
    """What gst-launch would be given: payloaders named pay0 (video) and pay1 (audio)."""
    width, height = args.size.split("x")
    video = (
        f"videotestsrc is-live=true pattern=ball"
        f" ! video/x-raw,format=I420,width={width},height={height},framerate={args.fps}/1"
        f" ! x264enc tune=zerolatency speed-preset=superfast"
        f" bitrate={args.bitrate} key-int-max={args.gop or args.fps} bframes=0"
        f" ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1"
    )
    if args.audio == "none":
        return f"( {video} )"
    law = {"alaw": ("alawenc", "rtppcmapay", 8), "mulaw": ("mulawenc", "rtppcmupay", 0)}
    encoder, payloader, payload_type = law[args.audio]
    audio = (
        f"audiotestsrc is-live=true wave=ticks samplesperbuffer=160"
        f" ! audio/x-raw,rate=8000,channels=1"
        f" ! {encoder} ! {payloader} name=pay1 pt={payload_type} max-ptime=20000000"
    )
    return f"( {video} {audio} )"


def protect(server, factory, args):
    """Asks for user and password, by Basic or by Digest."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    if args.auth == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(args.user, args.password), token)
    else:
        auth.set_supported_methods(2)  # GST_RTSP_AUTH_DIGEST
        auth.add_digest(args.user, args.password, token)
    server.set_auth(auth)
    factory.add_role_from_structure(role("viewer"))


def role(name):
    permissions = Gst.Structure.new_empty(name)
    for permission in (
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    ):
        permissions.set_value(permission, True)
    return permissions


def main():
    args = arguments()
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(args.port))
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(args))
    factory.set_shared(True)
    factory.set_latency(0)
    if args.auth != "none":
        protect(server, factory, args)
    path = "/" + args.path.strip("/")
    server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit(f"gst_server: cannot listen on 127.0.0.1:{args.port}; choose another port")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}{path}", flush=True)

    for number in (signal.SIGTERM, signal.SIGINT):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)

    def until_input_ends():
        while os.read(0, 4096):
            pass
        GLib.idle_add(loop.quit)

    threading.Thread(target=until_input_ends, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
