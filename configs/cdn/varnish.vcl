# Varnish as a cache in front of Lectern, the best of the free ones for low latency:
# any number of viewers who wait for the same object cost one request, and all
# are answered the moment it arrives.
#
#   varnishd -f /etc/varnish/lectern.vcl -a :80 -s malloc,8g
#
# Needs   Varnish 7 and vmod digest (Debian: varnish, varnish-vmod-digest).
# Change  every line marked CHANGE. TLS stands in front: hitch, or HAProxy.
# Tested  by `make test-cdn`: Varnish 7.1.1 of Debian 12, this file with other
#         addresses and secrets, 200 low-latency viewers.
#
# Varnish's log is in memory and has every URL as it came, with its token:
# run varnishncsa with a format that has no %r and no %U.

vcl 4.1;

import digest;
import std;

backend lectern {
    .host = "127.0.0.1"; # CHANGE: Lectern's public listener
    .port = "8080"; # CHANGE
    .connect_timeout = 2s;
    # Lectern holds a request for origin.hold_cap (8s).
    .first_byte_timeout = 10s;
    .between_bytes_timeout = 5s;
}

# CHANGE: one branch for each key that mints tokens, as Lectern's configuration
# has them. The text itself is the key: it is not decoded. This file is secret.
# X-Mac is what the MAC should be, hashed again with the same key, and X-Given is
# the viewer's: the time of their comparison says nothing.
sub lectern_mac {
    if (req.http.X-Token ~ "^v1\.k1\.") {
        set req.http.X-Mac = digest.hmac_sha256("change-me-this-is-token-key-one",
            digest.base64url_nopad_hex(digest.hmac_sha256("change-me-this-is-token-key-one", req.http.X-Signed)));
        set req.http.X-Given = digest.hmac_sha256("change-me-this-is-token-key-one", req.http.X-Given);
    } else if (req.http.X-Token ~ "^v1\.k2\.") {
        set req.http.X-Mac = digest.hmac_sha256("change-me-this-is-token-key-two",
            digest.base64url_nopad_hex(digest.hmac_sha256("change-me-this-is-token-key-two", req.http.X-Signed)));
        set req.http.X-Given = digest.hmac_sha256("change-me-this-is-token-key-two", req.http.X-Given);
    }
}

sub vcl_backend_fetch {
    set bereq.http.Lectern-Shield = "change-me-this-is-the-shield-secret"; # CHANGE: one of origin.shield_secrets
    # Nothing else of the viewer goes to the origin, so that nothing of it can be
    # in an answer that others get. Accept-Encoding is Varnish's own, gzip.
    unset bereq.http.User-Agent;
    unset bereq.http.Referer;
    unset bereq.http.Origin;
    unset bereq.http.X-Forwarded-For;
    unset bereq.http.Accept;
    unset bereq.http.Accept-Language;
    unset bereq.http.CMCD-Object;
    unset bereq.http.CMCD-Request;
    unset bereq.http.CMCD-Session;
    unset bereq.http.CMCD-Status;
    return (fetch);
}

sub vcl_recv {
    unset req.http.Lectern-Viewer;
    unset req.http.Lectern-Shield;
    unset req.http.X-Token;
    unset req.http.X-Mac;
    if (req.restarts == 0) {
        unset req.http.X-Stale;
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.Proxy;

    set req.http.X-Path = regsub(req.url, "\?.*$", "");
    if (req.http.X-Path !~ "^(/t/[^/]+)?/live/[a-z0-9][a-z0-9-]{0,62}/[A-Za-z0-9._/-]+$" || req.http.X-Path ~ "/\.|//") {
        return (synth(404, "Not Found")); # pages, the API and the room are not for a cache
    }
    if (req.method == "OPTIONS") {
        return (synth(204, "No Content"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405, "Method Not Allowed"));
    }

    # The token: checked, and then it is gone.
    if (req.restarts > 0) {
        set req.http.Lectern-Viewer = req.http.X-Viewer; # the path has no token any more
    } else if (req.http.X-Path ~ "^/t/") {
        call lectern_token;
        set req.http.Lectern-Viewer = "token";
    } else {
        set req.http.Lectern-Viewer = "anonymous";
    }
    set req.http.X-Viewer = req.http.Lectern-Viewer;

    # The query: reduced to the three directives, in one order. A value that is
    # none becomes "x", for which Lectern answers 400. Media has no query.
    set req.http.X-Query = "";
    if (req.http.X-Path ~ "\.m3u8$") {
        if (req.url ~ "[?&]_HLS_msn=[0-9]{1,19}(&|$)") {
            set req.http.X-Query = regsub(req.url, "^.*[?&](_HLS_msn=[0-9]+)(&.*)?$", "&\1");
        } else if (req.url ~ "[?&]_HLS_msn=") {
            set req.http.X-Query = "&_HLS_msn=x";
        }
        if (req.url ~ "[?&]_HLS_part=[0-9]{1,19}(&|$)") {
            set req.http.X-Query = req.http.X-Query + regsub(req.url, "^.*[?&](_HLS_part=[0-9]+)(&.*)?$", "&\1");
        } else if (req.url ~ "[?&]_HLS_part=") {
            set req.http.X-Query = req.http.X-Query + "&_HLS_part=x";
        }
        if (req.url ~ "[?&]_HLS_skip=(YES|v2)(&|$)") {
            set req.http.X-Query = req.http.X-Query + regsub(req.url, "^.*[?&](_HLS_skip=(YES|v2))(&.*)?$", "&\1");
        } else if (req.url ~ "[?&]_HLS_skip=") {
            set req.http.X-Query = req.http.X-Query + "&_HLS_skip=x";
        }
    }
    set req.url = regsub(req.http.X-Path, "^/t/[^/]+", "") + regsub(req.http.X-Query, "^&", "?");
    unset req.http.X-Path;
    unset req.http.X-Query;
    set req.http.Host = "lectern";

    # How old what is served may be. One second after its end an object is served
    # while it is fetched anew; X-Stale is the second try, after an error.
    set req.grace = 1s;
    if (req.http.X-Stale) {
        set req.grace = 60s; # at most what beresp.grace says
    }
    return (hash);
}

# v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac}; see README.md.
sub lectern_token {
    set req.http.X-Token = regsub(req.http.X-Path, "^/t/([^/]+)/.*$", "\1");
    if (req.http.X-Token !~ "^v1\.[a-z0-9]{1,8}\.[1-9][0-9]{0,11}\.[1-9][0-9]{0,11}\.[a-z0-9]{8,16}\.[a-z0-9][a-z0-9-]{0,62}\.[A-Za-z0-9_-]{43}$") {
        return (synth(403, "Forbidden"));
    }
    set req.http.X-Signed = regsub(req.http.X-Token, "\.[^.]+$", "");
    set req.http.X-Given = regsub(req.http.X-Token, "^.*\.", "");
    call lectern_mac;
    if (!req.http.X-Mac || req.http.X-Mac != req.http.X-Given) {
        return (synth(403, "Forbidden"));
    }
    # The token's class is the path's.
    if (regsub(req.http.X-Token, "^.*\.([a-z0-9-]+)\.[^.]+$", "\1") != regsub(req.http.X-Path, "^/t/[^/]+/live/([^/]+)/.*$", "\1")) {
        return (synth(403, "Forbidden"));
    }
    if (std.time(regsub(req.http.X-Token, "^v1\.[a-z0-9]+\.[0-9]+\.([0-9]+)\..*$", "\1"), now) <= now) {
        return (synth(403, "Forbidden"));
    }
    unset req.http.X-Token;
    unset req.http.X-Signed;
    unset req.http.X-Given;
    unset req.http.X-Mac;
}

# No host, and what a token paid for is not given to those without one.
sub vcl_hash {
    hash_data(req.http.Lectern-Viewer);
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_response {
    # Lectern says for how long, errors included. What is kept longer is kept for
    # bad times: a playlist without _HLS_msn as stale-if-error says. Blocking
    # answers and errors are never served late.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (bereq.url ~ "\.m3u8$" && beresp.http.Cache-Control ~ "stale-if-error=[0-9]+") {
        set beresp.grace = std.duration(regsub(beresp.http.Cache-Control, "^.*stale-if-error=([0-9]+).*$", "\1") + "s", 0s);
    }
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon); # the one that is being served stays
    }
    if (beresp.status >= 500 || beresp.http.Cache-Control ~ "no-store") {
        # Not kept, and no hit-for-miss either, which would send every later
        # request for this URL to the origin. Those who wait for this very answer
        # get it; a fifth of a second is for waking them.
        set beresp.ttl = 0s;
        if (bereq.url ~ "_HLS_msn=" || bereq.url !~ "\.m3u8") {
            set beresp.ttl = 200ms;
        }
    }
    return (deliver);
}

sub vcl_backend_error {
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.body = "the origin does not answer" + {"
"};
    return (deliver);
}

sub vcl_deliver {
    # stale-if-error: once more, and the old playlist will do.
    if (resp.status >= 500 && req.restarts == 0 && req.url ~ "\.m3u8$") {
        set req.http.X-Stale = "1";
        return (restart);
    }
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    return (deliver);
}

sub vcl_synth {
    unset req.http.X-Token;
    set resp.http.Access-Control-Allow-Origin = "*";
    if (resp.status == 204) {
        set resp.http.Access-Control-Allow-Methods = "GET, HEAD, OPTIONS";
        set resp.http.Access-Control-Allow-Headers = "Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status";
        set resp.http.Access-Control-Max-Age = "86400";
        return (deliver);
    }
    set resp.http.Cache-Control = "no-store";
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    if (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, OPTIONS";
    }
    set resp.body = resp.reason + {"
"};
    return (deliver);
}
