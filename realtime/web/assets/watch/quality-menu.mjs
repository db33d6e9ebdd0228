// The quality button and its menu (ARIA Authoring Practices: menu button with
// menuitemradio). The menu stands in the top layer, where the stage does not cut
// it off; without popovers it stands on the stage.

import { entries, rememberChoice, short, spokenChoice } from './quality-choice.mjs';

const ICON = 'http://www.w3.org/2000/svg';

/**
 * qualityMenu is the button and its menu.
 *
 * @param say      tells screen readers
 * @param changed  makes the page show what was chosen
 */
export function qualityMenu(stage, player, { say, changed }) {
  const button = document.getElementById('quality');
  const now = document.getElementById('quality-now');
  const menu = document.getElementById('quality-menu');
  const soundOnly = document.getElementById('sound-only');
  let shown = [];
  let open = false;

  const items = () => Array.from(menu.children);
  const focused = () => items().indexOf(document.activeElement);

  function focus(index) {
    const all = items();
    all.at(index % all.length)?.focus();
  }

  function show(index) {
    if (open || shown.length === 0) {
      return;
    }
    open = true;
    button.setAttribute('aria-expanded', 'true');
    place();
    if (menu.showPopover) {
      menu.showPopover();
    } else {
      menu.dataset.open = 'true';
    }
    focus(index ?? Math.max(0, shown.findIndex((e) => e.checked)));
  }

  function hide(refocus) {
    if (!open) {
      return;
    }
    open = false;
    button.setAttribute('aria-expanded', 'false');
    if (refocus) {
      button.focus({ preventScroll: true });
    }
    if (menu.hidePopover) {
      menu.hidePopover();
    } else {
      delete menu.dataset.open;
    }
  }

  /** place puts the menu above the button; small screens have it at their lower edge. */
  function place() {
    const box = button.getBoundingClientRect();
    menu.style.setProperty('--right', `${Math.max(8, document.documentElement.clientWidth - box.right)}px`);
    menu.style.setProperty('--bottom', `${Math.max(8, window.innerHeight - box.top + 6)}px`);
    menu.style.setProperty('--room', `${Math.max(140, box.top - 14)}px`);
  }

  function choose(value) {
    hide(true);
    rememberChoice(value);
    player.choose(value);
    say(spokenChoice(value));
    changed();
  }

  button.addEventListener('click', () => (open ? hide(true) : show()));
  button.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      show(event.key === 'ArrowUp' ? -1 : 0);
    }
  });
  menu.addEventListener('keydown', (event) => {
    const at = focused();
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key in steps) {
      event.preventDefault();
      focus(steps[event.key]);
    } else if (event.key === 'Escape') {
      event.preventDefault(); // and nothing else closes
      event.stopPropagation();
      hide(true);
    } else if (event.key === 'Tab') {
      hide(true); // and the browser moves on from the button
    }
  });
  menu.addEventListener('click', (event) => {
    const entry = shown[items().indexOf(event.target.closest('[role="menuitemradio"]'))];
    if (entry) {
      choose(entry.value);
    }
  });
  document.addEventListener('pointerdown', (event) => {
    if (open && !menu.contains(event.target) && !button.contains(event.target)) {
      hide(menu.contains(document.activeElement));
    }
  });
  for (const [target, type] of [[window, 'resize'], [document, 'fullscreenchange']]) {
    target.addEventListener(type, () => hide(true));
  }
  window.addEventListener('scroll', () => open && place(), { passive: true });
  document.getElementById('video-on').addEventListener('click', () => {
    choose('auto');
    button.focus({ focusVisible: false });
  });

  /** fill writes the lines, and keeps the focus on the same one. */
  function fill(next) {
    if (next.map((e) => e.key).join() !== shown.map((e) => e.key).join()) {
      const key = shown[focused()]?.key;
      menu.replaceChildren(...next.map(line));
      if (open) {
        focus(Math.max(0, next.findIndex((e) => e.key === key)));
      }
    }
    items().forEach((item, i) => {
      if (item.lastChild.textContent !== next[i].text) {
        item.lastChild.textContent = next[i].text;
      }
      item.setAttribute('aria-checked', String(next[i].checked));
    });
    shown = next;
  }

  return ({ media, quality, view }) => {
    fill(entries(quality));
    button.hidden = shown.length === 0;
    if (open && (button.hidden || button.closest('[hidden]'))) {
      hide(false);
    }
    const text = short(quality.choice);
    if (now.textContent !== text) {
      now.textContent = text;
    }
    const name = `Quality: ${shown.find((e) => e.checked)?.text ?? text}`;
    if (button.getAttribute('aria-label') !== name) {
      button.setAttribute('aria-label', name);
      button.title = `${name} (q)`;
    }
    soundOnly.hidden = quality.choice !== 'sound' || !media.started || ['ended', 'gone', 'connecting', 'interrupted'].includes(view);
    stage.dataset.sound = String(!soundOnly.hidden);
  };
}

function line({ text }) {
  const item = document.createElement('button');
  item.type = 'button';
  item.setAttribute('role', 'menuitemradio');
  item.tabIndex = -1;
  const icon = document.createElementNS(ICON, 'svg');
  icon.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(ICON, 'use');
  use.setAttribute('href', '#i-check');
  icon.append(use);
  const label = document.createElement('span');
  label.textContent = text;
  item.append(icon, label);
  return item;
}
