// axe-core on every state of the page, dark and light, and a few rules it has not.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { openPage, SCREENS, untilPlaying, untilState } from './browser.mjs';
import { suite } from './suite.mjs';

const { add, run } = suite('accessibility');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

async function violations(page) {
  if (!await page.evaluate(() => 'axe' in window)) {
    await page.evaluate(axe); // by the debugger, which the content policy does not bind
  }
  const result = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), RULES);
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
}

/** sideScroll is how many pixels the page is too wide. */
const sideScroll = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** clipped lists visible controls that are cut off or too small. */
const clipped = (page, least) => page.evaluate((size) => Array.from(document.querySelectorAll('button, input'))
  .filter((e) => e.checkVisibility())
  .map((e) => ({ id: e.id, box: e.getBoundingClientRect() }))
  .filter(({ box }) => box.width < size || box.height < size || box.left < 0 || box.right > innerWidth + 0.5)
  .map(({ id, box }) => `${id} ${JSON.stringify(box)}`), least);

const STATES = {
  waiting: [{ state: 'scheduled', starts_in: 754 }, (page) => untilState(page, 'waiting')],
  live: [{ state: 'live', air: 'on', captions: true, past: 600, dvr: 0 }, async (page) => {
    await untilPlaying(page, 1);
    await page.waitForSelector('#seek:visible', { state: 'attached' });
  }],
  paused: [{ state: 'live', air: 'on', captions: true }, async (page) => {
    await untilPlaying(page, 1);
    await page.keyboard.press('k');
    await page.waitForSelector('#jump:visible');
  }],
  recording: [{ state: 'live', past: 600, dvr: 0, captions: true, air: 'on', over: true }, async (page) => {
    await untilState(page, 'recording');
    await page.waitForSelector('#seek:visible', { state: 'attached' });
  }],
  help: [{ state: 'live', air: 'on' }, async (page) => {
    await untilPlaying(page, 1);
    await page.keyboard.press('?');
  }],
  connecting: [{ state: 'live' }, (page) => untilState(page, 'connecting')],
  interrupted: [{ state: 'interrupted' }, (page) => untilState(page, 'interrupted')],
  locked: [{ state: 'live', access: 'token' }, (page) => untilState(page, 'locked')],
  ended: [{ state: 'ended' }, (page) => untilState(page, 'ended')],
};

const { desktop, zoomed, phone, sideways } = SCREENS;

/** LOOKS are the screens and colours that each state is looked at with. */
const LOOKS = [
  ['with a mouse', desktop, [
    ['desktop', desktop.viewport, 'light'], ['desktop', desktop.viewport, 'dark'], ['zoomed', zoomed.viewport, 'light'],
  ]],
  ['with a finger', phone, [
    ['phone', phone.viewport, 'light'], ['phone', phone.viewport, 'dark'], ['sideways', sideways.viewport, 'light'], ['tiny', { width: 320, height: 480 }, 'light'],
  ]],
];

// A page is made once and looked at on every screen of its kind.
for (const [kind, options, looks] of LOOKS) {
  for (const [state, [order, ready]] of Object.entries(STATES)) {
    add(`${state}, ${kind}`, async ({ fake, browser }) => {
      const id = `${state}-${kind}`;
      const url = await fake.set(id, { title: 'Biology 2: How plants store light', ...order });
      if (order.over) {
        await fake.set(id, { air: 'end', state: 'ended' });
      }
      const page = await openPage(browser, url, options);
      try {
        await ready(page);
        for (const [screen, viewport, colorScheme] of looks) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const where = `on ${screen}, ${colorScheme}`;
          assert.deepEqual(await violations(page), [], where);
          assert.equal(await sideScroll(page), 0, `scrolls sideways ${where}`);
          assert.deepEqual(await clipped(page, 20), [], where);
          const small = await page.evaluate(() => Array.from(document.querySelectorAll('button, .timeline')).filter((e) => e.checkVisibility())
            .filter((e) => Math.min(e.offsetWidth, e.offsetHeight) < (matchMedia('(pointer: coarse)').matches ? 44 : 24)).map((e) => e.id));
          assert.deepEqual(small, [], `targets too small ${where}`);
        }
      } finally {
        await page.context().close();
      }
    });
  }
}

for (const colorScheme of ['light', 'dark']) {
  add(`no such class, ${colorScheme}`, async ({ fake, browser }) => {
    const page = await openPage(browser, `${fake.url}/watch/nothing`, { ...SCREENS.phone, colorScheme });
    assert.deepEqual(await violations(page), []);
    assert.equal(await sideScroll(page), 0);
    await page.context().close();
  });
}

add('a long title breaks', async ({ fake, browser }) => {
  const title = `Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen${'x'.repeat(200)} and much more besides `.repeat(2);
  const page = await openPage(browser, await fake.set('long', { title, state: 'scheduled' }), SCREENS.phone);
  await untilState(page, 'waiting');
  assert.equal(await sideScroll(page), 0);
  await page.context().close();
});

run();
