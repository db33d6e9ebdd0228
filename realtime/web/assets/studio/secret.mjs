// The secret of the studio link: it comes in the fragment, which browsers send to
// nobody, is taken out of the address at once, and is exchanged for a pass that lives
// as long as the tab. A link may also bring a pass: that of a host whom the school knows.

import { takeFromAddress } from '../watch/token-text.mjs';

/**
 * createCredential holds it.
 *
 * @param keep see kept in room/session.mjs: where the pass stays over a reload
 */
export function createCredential(keep) {
  let secret = null;

  function take() {
    const pass = takeFromAddress('p');
    if (pass) {
      keep.write(pass);
    }
    secret = takeFromAddress('k') || (pass ? null : secret);
    return Boolean(pass || secret);
  }
  take();
  // Another link was put into the same tab.
  window.addEventListener('hashchange', () => {
    if (location.hash !== '' && take()) {
      restart();
    }
  });
  let restart = () => {};

  const now = () => secret ?? keep.read();
  return {
    get there() { return Boolean(now()); },
    headers: () => (now() ? { Authorization: `Bearer ${now()}` } : {}),
    /** onNew tells of another link. */
    onNew(fn) { restart = fn; },
    /** keep is what session.mjs keeps its pass in: from then on the secret is not used. */
    keep: {
      read: () => null, // the pass goes in the header, never in a body
      write(pass) {
        secret = null;
        keep.write(pass);
      },
    },
  };
}
