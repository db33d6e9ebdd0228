// What was said in a class, beside its recording, in Chromium.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, openPage, SCREENS, until, untilPlaying, untilState } from './browser.mjs';
import { startFake } from './fake.mjs';
import { guests } from './guests.mjs';

let fake;
let browser;
let axe;
let classes = 0;

/**
 * taught is a class of five minutes that is over: a chapter a minute, a message each ten
 * seconds, and a pin, an announcement, questions and polls in between.
 */
async function taught(order = {}) {
  const id = `replay-${classes += 1}`;
  const url = await fake.set(id, { title: 'Cell biology', state: 'live', air: 'on', low: true, past: 300, dvr: 0, room: true, ...order });
  const { say, role } = guests(fake, id);
  const host = role('Dr Ada Byron', 'host');
  const at = (edge) => fake.set(id, { edge });
  let first;
  for (let s = 0; s < 300; s += 10) {
    await at(s);
    if (s % 60 === 0) {
      await host('marker', { title: `Chapter ${1 + s / 60}` });
    }
    const ack = await say(s % 20 === 0 ? 'Ann Smith' : 'Ben', 'chat.send', { text: `said at ${s}` }, 'moderator');
    first ??= ack.id;
    if (s === 20) {
      await host('chat.pin', { message: first, pinned: true });
    } else if (s === 60) {
      await host('chat.pin', { message: first, pinned: false });
    } else if (s === 30) {
      const { id: question } = await say('Ben', 'question.ask', { text: 'Why is it green?' });
      await at(s + 5);
      await host('question.move', { question, state: 'answering' });
      await at(s + 65);
      await host('question.answer', { question, live: true });
      await at(s);
    } else if (s === 100) {
      const { id: gone } = await say('Troll', 'chat.send', { text: 'something rude' });
      await host('chat.delete', { message: gone });
      const { id: poll } = await host('poll.save', { kind: 'single', prompt: 'Which light?', options: ['red', 'green'], correct: [0], quiz: true, results: 'after' });
      await host('poll.open', { poll });
      await say('Ben', 'poll.vote', { poll, choices: [0] });
      await at(s + 5);
      await host('poll.close', { poll });
      await at(s + 8);
      await host('poll.reveal', { poll });
    } else if (s === 200) {
      const { id: news } = await host('announce', { text: 'A break at 10:30' });
      await at(s + 20);
      await host('announce.clear', { announcement: news });
    }
  }
  const ended = () => fake.set(id, { state: 'ended', air: 'end', edge: -1 });
  return { id, url, say, host, ended, set: (more) => fake.set(id, more) };
}

const texts = (page) => page.locator('#replay-log .body').allInnerTexts();

/** seek goes to a second of the recording, and waits until it is there. */
async function seek(page, second) {
  await page.evaluate((s) => {
    const video = document.querySelector('video');
    video.pause();
    video.currentTime = s;
  }, second);
  await until(() => page.evaluate((s) => {
    const video = document.querySelector('video');
    return !video.seeking && Math.abs(video.currentTime - s) < 1 ? '' : `at ${video.currentTime}, not at ${s}`;
  }, second));
}

/** untilLast waits until a text is the last that was said, and returns all. */
async function untilLast(page, text) {
  let all;
  await until(async () => {
    all = await texts(page);
    return all.at(-1) === text ? '' : `the last of ${all.length} is ${all.at(-1)}, not ${text}`;
  });
  return all;
}

async function open(url, screen = SCREENS.desktop) {
  const page = await openPage(browser, url, { reducedMotion: 'reduce', ...screen });
  page.setDefaultTimeout(60000);
  return page;
}

/** finish checks that nothing broke. */
async function finish(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

describe('replay', { concurrency: 3 }, () => {
  before(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    fake = await startFake();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await fake?.stop();
  });

  test('the chat comes with the lecture, and with a seek', { timeout: 180000 }, async () => {
    const { url, ended } = await taught();
    await ended();
    const page = await open(url);
    await untilPlaying(page, 1, undefined, ['recording']);
    await page.locator('#replay').waitFor();
    assert.equal(await page.locator('#room, #composer, #feel, #chat-text').count(), 0);
    assert.match(await page.locator('#replay .room-state').innerText(), /^Replay of the chat/);

    await seek(page, 65);
    assert.deepEqual(await untilLast(page, 'said at 60'), [0, 10, 20, 30, 40, 50, 60].map((s) => `said at ${s}`));
    assert.match(await page.locator('#replay-log .message').first().innerText(), /Ann Smith/);
    await seek(page, 251);
    const all = await untilLast(page, 'said at 250');
    assert.equal(all.length, 26);
    assert.ok(!all.includes('something rude'));
    // The lecture goes on, and so does the chat.
    await page.evaluate(() => document.querySelector('video').play());
    await untilLast(page, 'said at 260');
    // Back again.
    await seek(page, 15);
    assert.deepEqual(await untilLast(page, 'said at 10'), ['said at 0', 'said at 10']);
    await finish(page);
  });

  test('polls, questions, pins and announcements at their moments', { timeout: 180000 }, async () => {
    const { url, ended } = await taught();
    await ended();
    const page = await open(url);
    await untilPlaying(page, 1, undefined, ['recording']);
    await seek(page, 25);
    await untilLast(page, 'said at 20');
    await page.locator('#replay .pinned', { hasText: 'said at 0' }).waitFor();
    assert.equal(await page.locator('.poll-past').count(), 0);
    await page.locator('#replay-tab-questions').click();
    await page.getByText('No questions until this moment.').waitFor();
    await seek(page, 36);
    await page.locator('.question.is-answering', { hasText: 'Why is it green?' }).waitFor();
    assert.equal(await page.locator('.answer').count(), 0);
    await seek(page, 98);
    await page.locator('.question .answer', { hasText: 'Answered in the lecture' }).waitFor();

    await page.locator('#replay-tab-chat').click();
    await seek(page, 103);
    await page.locator('.poll-past', { hasText: 'Open at this moment.' }).waitFor();
    assert.equal(await page.locator('.poll-past .bar-row').count(), 0);
    assert.ok(!(await page.locator('.poll-past').innerText()).includes('correct'));
    await seek(page, 106);
    await page.locator('.poll-past', { hasText: 'Closed.' }).waitFor();
    await seek(page, 109);
    await page.locator('.poll-past .bar-row.right', { hasText: '100% (1)' }).waitFor();
    assert.equal(await page.locator('#replay .pinned:visible').count(), 0);

    await seek(page, 205);
    await page.locator('#replay .announcement', { hasText: 'A break at 10:30' }).waitFor();
    await seek(page, 225);
    await page.locator('#replay .announcements').waitFor({ state: 'hidden' });
    // From the answer to the moment where it was given.
    await page.locator('#replay-tab-questions').click();
    await page.getByRole('button', { name: 'Go there' }).click();
    await until(() => page.evaluate(() => {
      const { currentTime } = document.querySelector('video');
      return Math.abs(currentTime - 95) < 3 ? '' : `at ${currentTime}`;
    }));
    await finish(page);
  });

  test('chapters, by the keyboard', { timeout: 180000 }, async () => {
    const { url, ended } = await taught();
    await ended();
    const page = await open(url);
    await untilPlaying(page, 1, undefined, ['recording']);
    await page.locator('#replay-tab-chat').focus();
    await page.keyboard.press('End');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'replay-tab-chapters');
    await page.locator('.chapter', { hasText: '3:00' }).waitFor();
    assert.equal(await page.locator('.chapter-ticks span').count(), 4); // one is the beginning
    await page.locator('.chapter', { hasText: 'Chapter 4' }).press('Enter');
    await page.locator('.chapter[aria-current]', { hasText: 'Chapter 4' }).waitFor();
    await page.locator('#replay-tab-chat').click();
    await until(async () => ((await texts(page)).includes('said at 180') ? '' : 'not there yet'));
    await finish(page);
  });

  test('who was in the class goes on in its replay', { timeout: 180000 }, async () => {
    const { id, url, ended } = await taught();
    const page = await open(url);
    await page.locator('.message', { hasText: 'said at 290' }).waitFor();
    await untilPlaying(page, 1);
    await fetch(`${fake.url}/studio/${id}/end`, { method: 'POST', headers: { Authorization: 'Bearer open-sesame' } });
    await ended();
    await untilState(page, 'ended');
    await page.locator('#room').waitFor(); // what was said last stays in sight
    await page.locator('#again').click();
    await page.locator('#replay').waitFor();
    assert.equal(await page.locator('#room').count(), 0);
    await seek(page, 65);
    await untilLast(page, 'said at 60');
    await finish(page);
  });

  test('no room, no panel', { timeout: 180000 }, async () => {
    const quiet = `replay-${classes += 1}`;
    for (const [name, order] of [[`replay-${classes += 1}`, {}], [quiet, { room: true }]]) {
      const url = await fake.set(name, { state: 'live', air: 'on', low: true, past: 60, dvr: 0, ...order });
      await fake.set(name, { state: 'ended', air: 'end' });
      const page = await open(url);
      const asked = page.waitForResponse((response) => response.url().endsWith('/room/index.json'));
      await untilPlaying(page, 1, undefined, ['recording']);
      await asked;
      await untilPlaying(page, 2, undefined, ['recording']);
      assert.equal(await page.locator('#replay').count(), 0);
      await finish(page);
    }
  });

  test('behind a token, and nothing without it', { timeout: 180000 }, async () => {
    const { id, url, ended } = await taught({ access: 'token' });
    await ended();
    const page = await open('about:blank');
    const asked = [];
    page.on('request', (request) => /\/room\/[^/]*\.json/.test(request.url()) && asked.push(new URL(request.url()).pathname));
    const now = Math.floor(Date.now() / 1000);
    const token = `v1.k1.${now}.${now + 3600}.viewer01.${id}.good`;
    await page.goto(`${url}#t=${token}`);
    await untilPlaying(page, 1, undefined, ['recording']);
    await seek(page, 65);
    await untilLast(page, 'said at 60');
    assert.ok(asked.length > 1 && asked.every((path) => path.startsWith(`/t/${token}/live/${id}/room/`)), asked.join());
    await finish(page);
  });

  test('a server that fails for a while', { timeout: 180000 }, async () => {
    const { url, ended, set } = await taught();
    await ended();
    await set({ faults: [{ match: '.json', status: 503, times: 0 }] });
    const page = await open(url);
    await untilPlaying(page, 1, undefined, ['recording']);
    assert.equal(await page.locator('#replay').count(), 0);
    await set({ faults: [] });
    await page.reload();
    await untilPlaying(page, 1, undefined, ['recording']);
    await page.locator('#replay').waitFor();
    await set({ faults: [{ match: '.json', status: 200, times: 3 }] });
    await seek(page, 251);
    await untilLast(page, 'said at 250');
    await finish(page);
  });

  test('a screen reader hears a summary now and then', { timeout: 180000 }, async () => {
    const { url, ended, say, set } = await taught();
    await set({ edge: 152 });
    for (let i = 0; i < 30; i += 1) {
      await say(`Guest ${i}`, 'chat.send', { text: `all at once ${i}` }, 'moderator');
    }
    await ended();
    const page = await open(url);
    await untilPlaying(page, 1, undefined, ['recording']);
    await seek(page, 151);
    await untilLast(page, 'said at 150');
    const heard = await page.evaluateHandle(() => {
      const said = [];
      for (const region of document.querySelectorAll('#replay [role=status]')) {
        new MutationObserver(() => region.textContent && said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
      }
      document.querySelector('video').play();
      return said;
    });
    await until(async () => ((await heard.evaluate((said) => said.length)) > 0 ? '' : 'nothing was said'));
    const said = await heard.jsonValue();
    assert.deepEqual(said, ['30 new messages']);
    assert.equal(await page.locator('#replay-log').getAttribute('aria-live'), 'off');
    await finish(page);
  });

  const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  for (const [look, screen] of [['desktop', SCREENS.desktop], ['dark phone', { ...SCREENS.phone, colorScheme: 'dark' }]]) {
    test(`accessibility, ${look}`, { timeout: 180000 }, async () => {
      const { url, ended } = await taught();
      await ended();
      const page = await open(url, screen);
      await untilPlaying(page, 1, undefined, ['recording']);
      await seek(page, 215);
      await untilLast(page, 'said at 210');
      await page.evaluate(axe);
      for (const tab of ['chat', 'questions', 'chapters']) {
        await page.locator(`#replay-tab-${tab}`).click();
        const result = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), RULES);
        assert.deepEqual(result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('\n')}`), []);
        const tight = await page.evaluate(() => {
          const least = matchMedia('(pointer: coarse)').matches ? 44 : 24;
          return [...document.querySelectorAll('#replay button')].filter((e) => e.checkVisibility({ checkVisibilityCSS: true }))
            .map((e) => ({ e, box: e.getBoundingClientRect() })).filter(({ box }) => Math.min(box.width, box.height) < least - 0.5).map(({ e }) => e.outerHTML);
        });
        assert.deepEqual(tight, []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
        if (process.env.SCREENSHOTS) {
          await page.screenshot({ path: `${process.env.SCREENSHOTS}/replay-${look.replace(' ', '-')}-${tab}.png` });
        }
      }
      await finish(page);
    });
  }
});
