// What is written in a viewer token, and where it stands in a URL. Pure functions,
// tested without a browser. A token is plain text: only the server can make one, but
// anybody may read when it ends.

/** The share of its life after which a token is renewed. */
const RENEW_AT = 0.75;

/**
 * readToken takes v1.{key}.{issued}.{expires}.{id}.{class}.{mac} apart.
 *
 * @returns { text, issued, expires, cls } with times in ms, or null if it is none
 */
export function readToken(text) {
  const [, issued, expires, cls] = /^v1\.[a-z0-9]{1,8}\.(\d{1,12})\.(\d{1,12})\.[a-z0-9]{8,16}\.([^./]+)\.[\w-]+$/.exec(text ?? '') ?? [];
  return cls === undefined ? null : { text, issued: Number(issued) * 1000, expires: Number(expires) * 1000, cls };
}

/** renewalOf is the time in ms at which a token is to be renewed. */
export function renewalOf({ issued, expires }) {
  return issued + RENEW_AT * (expires - issued);
}

/** fromFragment finds the token in "#t=…", null if there is none; other names are of other secrets. */
export function fromFragment(hash, name = 't') {
  return new URLSearchParams(hash.replace(/^#/, '')).get(name);
}

/** withoutName is the fragment without what has that name, '' if nothing is left. */
export function withoutName(hash, name) {
  const rest = new URLSearchParams(hash.replace(/^#/, ''));
  rest.delete(name);
  return rest.size > 0 ? `#${rest}` : '';
}

/** takeFromAddress reads a secret in the fragment and takes it out of the address, where it would be copied and seen. */
export function takeFromAddress(name) {
  const text = fromFragment(location.hash, name);
  if (text !== null) {
    history.replaceState(history.state, '', location.pathname + location.search + withoutName(location.hash, name));
  }
  return text;
}

/** withToken is the URL of media behind a token, whatever token was in it before. */
export function withToken(url, token) {
  const bare = withoutToken(url);
  return bare.replace(/^([a-z]+:\/\/[^/?#]*)?\/live\//i, (_, origin = '') => `${origin}/t/${token}/live/`);
}

/** withoutToken undoes withToken: inside the page URLs stay the same for its life. */
export function withoutToken(url) {
  return url.replace(/^([a-z]+:\/\/[^/?#]*)?\/t\/[^/?#]*\/live\//i, (_, origin = '') => `${origin}/live/`);
}
