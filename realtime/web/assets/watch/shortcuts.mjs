// Single keys, which the viewer can switch off (WCAG 2.1.4): they get in the way of
// some speech input programs.

const OFF_KEY = 'lectern.shortcuts-off';

export function shortcuts(stage, { jumpToLive }) {
  const dialog = document.getElementById('help');
  const choice = document.getElementById('shortcuts-on');
  choice.checked = read() !== '1';
  choice.addEventListener('change', () => write(choice.checked ? '0' : '1'));

  const press = (id) => () => {
    const button = document.getElementById(id);
    if (!button.hidden && !button.closest('[hidden]')) {
      button.click();
    }
  };
  const keys = {
    ' ': press('play'),
    k: press('play'),
    m: press('mute'),
    c: press('captions'),
    f: press('fullscreen'),
    q: press('quality'),
    l: jumpToLive,
    '?': () => dialog.showModal(),
  };

  document.addEventListener('keydown', (event) => {
    const run = keys[event.key.length === 1 ? event.key.toLowerCase() : ''];
    if (!run || !choice.checked || dialog.open || event.defaultPrevented || event.repeat
      || event.ctrlKey || event.metaKey || event.altKey || isFor(event)) {
      return;
    }
    event.preventDefault();
    run();
  });
}

/** isFor says that the focused element wants the key for itself. */
function isFor({ key, target }) {
  if (!(target instanceof Element)) {
    return false;
  }
  const typing = target.closest('textarea, select, [contenteditable], input:not([type=range]):not([type=checkbox])');
  return Boolean(typing) || key === ' ' && Boolean(target.closest('button, a, summary, input'));
}

function read() {
  try {
    return localStorage.getItem(OFF_KEY);
  } catch {
    return null;
  }
}

function write(value) {
  try {
    localStorage.setItem(OFF_KEY, value);
  } catch {
    // Storage is refused here; the choice lasts as long as the page.
  }
}
