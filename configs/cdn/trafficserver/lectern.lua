-- Traffic Server in front of Lectern: checks the token, takes it out of the URL and
-- reduces the query, so that the cache key has neither host nor viewer in it.
--
-- Needs   the tslua plugin (in Debian's trafficserver), remap.config beside it.
-- Change  the two settings below.
-- Tested  by `make test-cdn` with Traffic Server 9.2.5 of Debian 12.

-- CHANGE: the keys that mint tokens, as Lectern's configuration has them. The text
-- itself is the key: it is not decoded. This file is secret.
local keys = {
    k1 = "change-me-this-is-token-key-one",
    k2 = "change-me-this-is-token-key-two",
}
-- CHANGE: one of origin.shield_secrets
local shield = "change-me-this-is-the-shield-secret"

-- hmac returns the MAC as base64url. The plugin takes its key and gives its answer
-- as hexadecimal digits.
local function hmac(key, text)
    local digits = ts.hmac_sha256((key:gsub(".", function(c) return ("%02x"):format(c:byte()) end)), text)
    local raw = digits:gsub("%x%x", function(b) return string.char(tonumber(b, 16)) end)
    return (ts.base64_encode(raw):gsub("+", "-"):gsub("/", "_"):gsub("=", ""))
end

-- allowed reports whether token lets its owner watch class. The token is
-- v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac}; see README.md.
local function allowed(token, class)
    local signed, kid, iat, exp, jti, of, mac =
        token:match("^(v1%.([a-z0-9]+)%.(%d+)%.(%d+)%.([a-z0-9]+)%.([a-z0-9-]+))%.([%w_-]+)$")
    if not signed or #token > 256 or #mac ~= 43 or of ~= class then
        return false
    end
    local key = keys[kid]
    if not key or tonumber(exp) <= ts.now() then
        return false
    end
    -- Both are hashed again, so that the time of the comparison says nothing.
    return hmac(key, hmac(key, signed)) == hmac(key, mac)
end

-- query returns the three directives in one order. A value that is none becomes
-- "x", for which Lectern answers 400.
local function query(args)
    local out = {}
    local function add(name, good)
        local value = ("&" .. args):match("&" .. name .. "=([^&]*)")
        if value then
            out[#out + 1] = name .. "=" .. (good(value) and value or "x")
        end
    end
    local number = function(v) return v:match("^%d+$") and #v <= 19 end
    add("_HLS_msn", number)
    add("_HLS_part", number)
    add("_HLS_skip", function(v) return v == "YES" or v == "v2" end)
    return table.concat(out, "&")
end

-- Errors of ours are readable by pages of any origin, as Lectern's are.
function open_error()
    ts.client_response.header["Access-Control-Allow-Origin"] = "*"
    ts.client_response.header["Cache-Control"] = "no-store"
    if ts.client_response.get_status() == 405 then
        ts.client_response.header["Allow"] = "GET, HEAD, OPTIONS"
    end
    return 0
end

function preflight()
    local h = ts.client_response.header
    h["Access-Control-Allow-Origin"] = "*"
    h["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
    h["Access-Control-Allow-Headers"] = "Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status"
    h["Access-Control-Max-Age"] = "86400"
    return 0
end

function clean()
    local h = ts.client_response.header
    h["Surrogate-Key"] = nil
    h["Cache-Tag"] = nil
    if ts.client_response.get_status() >= 500 then -- perhaps our own
        h["Access-Control-Allow-Origin"] = "*"
        h["Cache-Control"] = "no-store"
    end
    return 0
end

local function refuse(status, text)
    ts.hook(TS_LUA_HOOK_SEND_RESPONSE_HDR, open_error)
    ts.http.set_resp(status, text .. "\n")
    return 0
end

function do_remap()
    local uri = ts.client_request.get_uri()
    local viewer, path = "anonymous", uri
    local token, rest = uri:match("^/t/([^/]+)(/live/.+)$")
    if token then
        viewer, path = "token", rest
    end
    local class, file = path:match("^/live/([a-z0-9][a-z0-9-]*)/([%w._/-]+)$")
    if not class then
        return refuse(404, "not found") -- pages, the API and the room are not for a cache
    end
    local method = ts.client_request.get_method()
    if method == "OPTIONS" then
        ts.hook(TS_LUA_HOOK_SEND_RESPONSE_HDR, preflight)
        ts.http.set_resp(204, "")
        return 0
    end
    if method ~= "GET" and method ~= "HEAD" then
        return refuse(405, "only GET and HEAD are allowed")
    end
    if token and not allowed(token, class) then
        return refuse(403, "the token is not valid")
    end

    local args = file:match("%.m3u8$") and query(ts.client_request.get_uri_args() or "") or ""
    ts.client_request.set_uri(path)
    ts.client_request.set_uri_args(args)

    -- Nothing else of the viewer goes to the origin, so that nothing of it can be
    -- in an answer that others get.
    local h = ts.client_request.header
    for _, name in ipairs({
        "Authorization", "Cookie", "Referer", "User-Agent", "Origin", "X-Forwarded-For", "Accept-Language",
        "CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status",
    }) do
        h[name] = nil
    end
    h["Lectern-Viewer"] = viewer
    h["Lectern-Shield"] = shield
    -- What a token paid for is not given to those without one.
    ts.http.set_cache_lookup_url("http://" .. viewer .. ".lectern" .. path .. (args ~= "" and "?" .. args or ""))
    ts.hook(TS_LUA_HOOK_SEND_RESPONSE_HDR, clean)
    return TS_LUA_REMAP_DID_REMAP
end
