# Fastly in front of Lectern: custom VCL, "main".
#
# Change  every line marked CHANGE.
# Set     on the service: one backend, Lectern, called F_lectern; first byte
#         timeout 15 s (more than origin.hold_cap, 8 s), between bytes 10 s;
#         shielding at the POP next to Lectern; gzip off (Lectern compresses).
# Tested  NOT RUN at Fastly. It follows varnish.vcl, which `make test-cdn` runs;
#         the two languages differ, so try it on a test class first.

# CHANGE: the keys that mint tokens, as Lectern's configuration has them. The text
# itself is the key: it is not decoded. A private edge dictionary of this name is
# better than a table in the VCL.
table lectern_keys {
  "k1": "change-me-this-is-token-key-one",
  "k2": "change-me-this-is-token-key-two",
}

sub vcl_recv {
#FASTLY recv
  declare local var.key STRING;
  declare local var.token STRING;
  declare local var.signed STRING;
  declare local var.expires STRING;
  declare local var.class STRING;
  declare local var.mac STRING;
  declare local var.want STRING;

  # The edge asks the shield with what it made of the viewer's request.
  if (fastly.ff.visits_this_service == 0 && req.restarts == 0) {
    unset req.http.Lectern-Viewer;
    unset req.http.Cookie;
    unset req.http.Authorization;
    if (req.url.path !~ "^(/t/[^/]+)?/live/[a-z0-9][a-z0-9-]{0,62}/[A-Za-z0-9._/-]+$") {
      error 604;
    }
    if (req.method == "OPTIONS") {
      error 620;
    }
    if (req.method != "GET" && req.method != "HEAD") {
      error 605;
    }
    set req.http.Lectern-Viewer = "anonymous";
    if (req.url.path ~ "^/t/([^/]+)/live/") {
      set var.token = re.group.1;
      # v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac}; see README.md.
      if (var.token ~ "^(v1\.([a-z0-9]{1,8})\.[1-9][0-9]{0,11}\.([1-9][0-9]{0,11})\.[a-z0-9]{8,16}\.([a-z0-9][a-z0-9-]{0,62}))\.([A-Za-z0-9_-]{43})$") {
        set var.signed = re.group.1;
        set var.key = table.lookup(lectern_keys, re.group.2);
        set var.expires = re.group.3;
        set var.class = re.group.4;
        set var.mac = re.group.5;
      }
      if (!var.key || time.is_after(now, std.integer2time(std.atoi(var.expires)))) {
        error 603;
      }
      set var.want = digest.hmac_sha256_base64(var.key, var.signed);
      set var.want = regsuball(regsuball(regsuball(var.want, "\+", "-"), "/", "_"), "=", "");
      if (!digest.secure_is_equal(var.want, var.mac)) {
        error 603;
      }
      if (regsub(req.url.path, "^/t/[^/]+/live/([^/]+)/.*$", "\1") != var.class) {
        error 603;
      }
      set req.url = regsub(req.url, "^/t/[^/]+", "");
      set req.http.Lectern-Viewer = "token";
    }
    if (req.url.path ~ "\.m3u8$") {
      set req.url = querystring.sort(querystring.filter_except(req.url,
        "_HLS_msn" + querystring.filtersep() + "_HLS_part" + querystring.filtersep() + "_HLS_skip"));
    } else {
      set req.url = req.url.path;
    }
  }
  # 1.5 target durations is the oldest that a playlist may be.
  set req.max_stale_while_revalidate = 1s;
  return(lookup);
}

# No host, and what a token paid for is not given to those without one.
sub vcl_hash {
#FASTLY hash
  set req.hash += req.http.Lectern-Viewer;
  set req.hash += req.url;
  return(hash);
}

sub vcl_miss {
#FASTLY miss
  set bereq.http.Lectern-Shield = "change-me-this-is-the-shield-secret"; # CHANGE: one of origin.shield_secrets
  unset bereq.http.Referer;
  unset bereq.http.User-Agent;
  unset bereq.http.Origin;
  unset bereq.http.CMCD-Object;
  unset bereq.http.CMCD-Request;
  unset bereq.http.CMCD-Session;
  unset bereq.http.CMCD-Status;
  return(fetch);
}

sub vcl_pass {
#FASTLY pass
  set bereq.http.Lectern-Shield = "change-me-this-is-the-shield-secret"; # CHANGE: the same
  return(pass);
}

sub vcl_fetch {
#FASTLY fetch
  # max-age, s-maxage and stale-if-error are read by Fastly itself. What may not be
  # kept is handed to those who wait; "pass" would remember not to collapse.
  if (beresp.status >= 500 || beresp.http.Cache-Control ~ "no-store") {
    set beresp.ttl = 0s;
    set beresp.stale_if_error = 0s;
    set beresp.cacheable = false;
    return(deliver);
  }
  # Errors are cacheable for as long as Lectern says: a second.
  if (beresp.status == 400 || beresp.status == 403 || beresp.status == 404) {
    set beresp.cacheable = true;
  }
  return(deliver);
}

sub vcl_deliver {
#FASTLY deliver
  if (fastly.ff.visits_this_service == 0) {
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
  }
  return(deliver);
}

sub vcl_error {
#FASTLY error
  if (obj.status >= 603 && obj.status <= 620) {
    set obj.http.Access-Control-Allow-Origin = "*";
    set obj.http.Cache-Control = "no-store";
    if (obj.status == 603) {
      set obj.status = 403;
    } else if (obj.status == 604) {
      set obj.status = 404;
    } else if (obj.status == 605) {
      set obj.status = 405;
      set obj.http.Allow = "GET, HEAD, OPTIONS";
    } else {
      set obj.status = 204;
      set obj.http.Access-Control-Allow-Methods = "GET, HEAD, OPTIONS";
      set obj.http.Access-Control-Allow-Headers = "Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status";
      set obj.http.Access-Control-Max-Age = "86400";
    }
    return(deliver);
  }
}
