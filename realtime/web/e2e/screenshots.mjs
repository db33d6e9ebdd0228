// Takes pictures of the watch page in every state, on every screen, dark and light,
// for people to look at: node screenshots.mjs FOLDER [screen…]

import { mkdir } from 'node:fs/promises';
import { choose, launchBrowser, openPage, SCREENS, untilPlaying, untilState, wake } from './browser.mjs';
import { startFake } from './fake.mjs';

const [folder = 'shots', ...only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const title = 'Biology 2: How plants store light';
const fake = await startFake();
const browser = await launchBrowser();
const mute = await launchBrowser({ autoplay: false });

async function shoot(name, url, options, ready, from = browser) {
  const page = await openPage(from, url, options);
  try {
    await ready?.(page);
  } catch (err) {
    console.error(name, err.message);
  }
  await page.screenshot({ path: `${folder}/${name}.png` });
  if (page.faults.length) {
    console.error(name, page.faults);
  }
  await page.context().close();
}

try {
  for (const [screen, options] of Object.entries(SCREENS).filter(([s]) => only.length === 0 || only.includes(s))) {
    for (const colorScheme of ['light', 'dark']) {
      const look = { ...options, colorScheme };
      const id = `${screen}-${colorScheme}`;
      const waiting = await fake.set(`w-${id}`, { title, state: 'scheduled', starts_in: 754 });
      await shoot(`${id}-waiting`, waiting, look, (p) => untilState(p, 'waiting'));
      const live = await fake.set(`l-${id}`, { title, state: 'live', air: 'on', captions: true });
      await shoot(`${id}-live`, live, look, async (p) => {
        await untilPlaying(p, 2);
        await untilState(p, 'live');
      });
      const ladder = await fake.set(`q-${id}`, { title, state: 'live', air: 'on', captions: true, ladder: true });
      await shoot(`${id}-quality`, ladder, look, async (p) => {
        await untilPlaying(p, 1);
        await p.keyboard.press('q');
      });
      await shoot(`${id}-sound-only`, ladder, look, async (p) => {
        await untilPlaying(p, 1);
        await choose(p, 'Sound only');
        await p.waitForSelector('#sound-only:visible');
      });
      await shoot(`${id}-sound`, live, look, async (p) => {
        await p.waitForRequest(/m4s/);
        await p.waitForSelector('#sound:visible');
        await untilPlaying(p, 1);
      }, mute);
      await shoot(`${id}-paused`, live, look, async (p) => {
        await untilPlaying(p, 1);
        await p.keyboard.press('k');
        await untilState(p, 'paused');
        await p.waitForSelector('#jump:visible', { timeout: 10000 });
      });
      await shoot(`${id}-connecting`, live, look, async (p) => {
        await untilPlaying(p, 1);
        await fake.set(`l-${id}`, { faults: [{ match: '.m', status: 503 }] });
        await untilState(p, 'connecting');
        await p.waitForSelector('#overlay:visible');
      });
      await shoot(`${id}-interrupted`, live, look, async (p) => {
        await fake.set(`l-${id}`, { faults: [] });
        await untilPlaying(p, 1);
        await fake.set(`l-${id}`, { state: 'interrupted', air: 'off' });
        await untilState(p, 'interrupted');
      });
      await shoot(`${id}-ended`, live, look, async (p) => {
        await untilPlaying(p, 0.5);
        await fake.set(`l-${id}`, { state: 'ended', air: 'end' });
        await untilState(p, 'ended');
      });
      const long = await fake.set(`p-${id}`, { title, state: 'live', low: true, past: 2700, dvr: 0, storyboard: true, captions: true, ladder: true, air: 'on' });
      await shoot(`${id}-timeline`, long, look, async (p) => {
        await untilPlaying(p, 2);
        await p.waitForSelector('#seek:visible', { state: 'attached' });
        await wake(p);
      });
      await shoot(`${id}-past`, long, look, async (p) => {
        await untilPlaying(p, 1);
        await p.waitForSelector('#seek:visible', { state: 'attached' });
        await p.locator('#timeline').focus();
        for (let i = 0; i < 12; i += 1) {
          await p.keyboard.press('PageDown');
        }
        await untilState(p, 'behind');
        await untilPlaying(p, 1);
        if (!options.hasTouch) {
          const box = await p.locator('#timeline').boundingBox();
          for (let i = 0; i < 20; i += 1) {
            await p.mouse.move(box.x + box.width * 0.6 + i, box.y + box.height / 2);
            await p.waitForTimeout(50);
          }
        }
      });
      await fake.set(`p-${id}`, { air: 'end', state: 'ended' });
      await shoot(`${id}-recording`, long, look, async (p) => {
        await untilPlaying(p, 1, undefined, ['recording']);
        await p.keyboard.press('l');
        await p.waitForTimeout(1500);
        await wake(p);
      });
      await shoot(`${id}-over`, long, look, async (p) => {
        await untilPlaying(p, 1, undefined, ['recording']);
        await p.keyboard.press('End');
        await untilState(p, 'ended');
        await p.waitForSelector('#again:visible');
      });
      const guarded = await fake.set(`g-${id}`, { title, state: 'live', access: 'token', air: 'on' });
      await shoot(`${id}-locked`, guarded, look, (p) => untilState(p, 'locked'));
      await shoot(`${id}-404`, `${fake.url}/watch/nothing`, look);
      if (screen === 'desktop') {
        await shoot(`${id}-help`, waiting, look, async (p) => {
          await untilState(p, 'waiting');
          await p.keyboard.press('?');
        });
      }
    }
  }
} finally {
  await browser.close();
  await mute.close();
  await fake.stop();
}
