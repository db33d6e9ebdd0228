// The secret of the studio link: it comes in the fragment, which browsers send to
// nobody, is taken out of the address at once, and is exchanged for a pass that lives
// as long as the tab.

/** secretOf finds the secret in "#k=…", null if there is none. */
export function secretOf(hash) {
  const text = new URLSearchParams(hash.replace(/^#/, '')).get('k');
  return text !== null && /^[\w-]{8,200}$/.test(text) ? text : null;
}

/**
 * createCredential holds it.
 *
 * @param keep see kept in room/session.mjs: where the pass stays over a reload
 */
export function createCredential(keep) {
  let secret = take();

  function take() {
    const found = secretOf(location.hash);
    if (found !== null) {
      history.replaceState(history.state, '', location.pathname + location.search);
    }
    return found;
  }
  // Another link was put into the same tab.
  window.addEventListener('hashchange', () => {
    const found = take();
    if (found !== null) {
      secret = found;
      location.reload();
    }
  });

  const now = () => secret ?? keep.read();
  return {
    get there() { return Boolean(now()); },
    headers: () => (now() ? { Authorization: `Bearer ${now()}` } : {}),
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
