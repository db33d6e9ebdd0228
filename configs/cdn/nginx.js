// What nginx.conf computes with njs: whether a viewer may watch, and Age.
// Nothing to change here: the keys are in nginx.conf.
// Tested by `make test-cdn` with njs 0.7.9 of Debian 12.

const crypto = require('crypto');

// v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac}; see README.md.
const form = /^v1\.[a-z0-9]{1,8}\.[1-9][0-9]{0,11}\.([1-9][0-9]{0,11})\.[a-z0-9]{8,16}\.([a-z0-9][a-z0-9-]{0,62})\.([A-Za-z0-9_-]{43})$/;

function hmac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

// access returns "token" for a viewer whose token is good for the class in the
// path, "anonymous" for one without a token, and "refused".
function access(r) {
    const token = r.variables.lectern_token;
    if (!token) {
        return 'anonymous';
    }
    const part = form.exec(token);
    const key = r.variables.lectern_key;
    if (!part || !key || part[2] !== r.variables.lectern_class || Number(part[1]) <= Date.now() / 1000) {
        return 'refused';
    }
    const want = hmac(key, token.slice(0, token.lastIndexOf('.')));
    // Both are hashed again, so that the time of the comparison says nothing.
    return hmac(key, want) === hmac(key, part[3]) ? 'token' : 'refused';
}

// age returns the seconds since Lectern made the answer (RFC 9111 section 5.1).
function age(r) {
    const made = Date.parse(r.variables.upstream_http_date);
    const before = Number(r.variables.upstream_http_age) || 0;
    if (isNaN(made)) {
        return '';
    }
    return Math.max(before, Math.floor((Date.now() - made) / 1000)).toString();
}

export default { access, age };
