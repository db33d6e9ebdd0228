// CloudFront Function for viewer requests in front of Lectern: checks the token,
// takes it out of the path and reduces the query, so that the cache key has
// neither host nor viewer in it. Runtime: cloudfront-js-2.0.
//
// Change  the keys below.
// Tested  NOT RUN at CloudFront. The same check runs in nginx (nginx.js), which is.

import crypto from 'crypto';

// CHANGE: the keys that mint tokens, as Lectern's configuration has them. The text
// itself is the key: it is not decoded. Whoever may read the function may read them;
// with more than a few people use a CloudFront KeyValueStore.
const keys = {
    k1: 'change-me-this-is-token-key-one',
    k2: 'change-me-this-is-token-key-two',
};

const form = /^v1\.([a-z0-9]{1,8})\.[1-9][0-9]{0,11}\.([1-9][0-9]{0,11})\.[a-z0-9]{8,16}\.([a-z0-9][a-z0-9-]{0,62})\.([A-Za-z0-9_-]{43})$/;
const path = /^(?:\/t\/([^/]+))?(\/live\/([a-z0-9][a-z0-9-]{0,62})\/[A-Za-z0-9._/-]+)$/;

function hmac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

function allowed(token, lesson) {
    const part = form.exec(token);
    const key = part && keys[part[1]];
    if (!key || part[3] !== lesson || Number(part[2]) <= Date.now() / 1000) {
        return false;
    }
    // Both are hashed again, so that the time of the comparison says nothing.
    return hmac(key, hmac(key, token.slice(0, token.lastIndexOf('.')))) === hmac(key, part[4]);
}

function answer(code, text, more) {
    const headers = { 'access-control-allow-origin': { value: '*' }, 'cache-control': { value: 'no-store' } };
    for (const name in more) {
        headers[name] = { value: more[name] };
    }
    return { statusCode: code, statusDescription: text, headers: headers };
}

function handler(event) {
    const request = event.request;
    const found = path.exec(request.uri);
    if (!found) {
        return answer(404, 'Not Found', {});
    }
    if (request.method === 'OPTIONS') {
        return answer(204, 'No Content', {
            'access-control-allow-methods': 'GET, HEAD, OPTIONS',
            'access-control-allow-headers': 'Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status',
            'access-control-max-age': '86400',
        });
    }
    if (found[1] !== undefined && !allowed(found[1], found[3])) {
        return answer(403, 'Forbidden', {});
    }
    request.uri = found[2];
    request.headers['lectern-viewer'] = { value: found[1] !== undefined ? 'token' : 'anonymous' };
    // The three directives in one order. A value that is none becomes "x", for
    // which Lectern answers 400. Media has no query.
    const query = {};
    if (request.uri.endsWith('.m3u8')) {
        const good = { _HLS_msn: /^[0-9]{1,19}$/, _HLS_part: /^[0-9]{1,19}$/, _HLS_skip: /^(YES|v2)$/ };
        for (const name in good) {
            const given = request.querystring[name];
            if (given) {
                query[name] = { value: good[name].test(given.value) ? given.value : 'x' };
            }
        }
    }
    request.querystring = query;
    return request;
}
