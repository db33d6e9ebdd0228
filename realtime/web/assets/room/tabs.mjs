// Tabs, by the keyboard as well (WAI-ARIA Authoring Practices).

/**
 * tabs handles a list of tabs; each names its panel by aria-controls.
 *
 * @param shown is told the id of the tab that was chosen
 */
export function tabs(list, shown = () => {}) {
  const all = [...list.querySelectorAll('[role=tab]')];
  const usable = () => all.filter((tab) => tab.checkVisibility());

  function choose(tab, focus = false) {
    for (const other of all) {
      const on = other === tab;
      other.setAttribute('aria-selected', String(on));
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !on;
    }
    if (focus) {
      tab.focus();
    }
    shown(tab.id);
  }

  list.addEventListener('click', ({ target }) => {
    const tab = target.closest('[role=tab]');
    if (tab) {
      choose(tab);
    }
  });
  list.addEventListener('keydown', (event) => {
    const there = usable();
    const i = there.indexOf(event.target.closest('[role=tab]'));
    const next = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: there.length - 1 }[event.key];
    if (i >= 0 && next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      choose(there[(next + there.length) % there.length], true);
    }
  });

  return {
    choose: (id) => choose(document.getElementById(id)),
    get current() { return all.find((tab) => tab.getAttribute('aria-selected') === 'true').id; },
    /** settle makes sure that the tab that is chosen can be seen. */
    settle(fallback) {
      if (!usable().includes(document.getElementById(this.current))) {
        choose(document.getElementById(fallback));
      }
    },
  };
}
