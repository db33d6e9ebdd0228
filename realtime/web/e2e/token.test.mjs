// Classes for viewers with a token, in Chromium.

import assert from 'node:assert/strict';
import { lectern, openPage, until, untilPlaying, untilState } from './browser.mjs';
import { pass, suite } from './suite.mjs';

const { add, run } = suite('token', 'guarded');
let names = 0;

const GUARDED = { state: 'live', ladder: true, low: true, past: 120, dvr: 0, air: 'on', access: 'token', thumbnail: true };

/** token makes one for a class that began to live some seconds ago; the fake server's seal is the word good. */
const token = (id, { age = 0, life = 3600, seal = 'good', name = 'viewer01' } = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return `v1.k1.${now - age}.${now - age + life}.${name}.${id}.${seal}`;
};

/** withClass makes a class; open opens its page with a token, or without. */
function withClass(name, body) {
  add(name, async ({ fake, browser }) => {
    const id = `guarded-${names += 1}`;
    const url = await fake.set(id, { title: name, ...GUARDED });
    let page;
    const asked = []; // [method, path, status]
    const open = async (text) => {
      page = await openPage(browser, 'about:blank');
      page.on('response', (response) => asked.push([response.request().method(), new URL(response.url()).pathname, response.status()]));
      await page.goto(text ? `${url}#t=${text}` : url);
      return page;
    };
    try {
      await body({ id, url, open, asked, set: (more) => fake.set(id, more) });
      assert.deepEqual(page.faults, []);
    } finally {
      await page?.context().close();
    }
  });
}

const headline = (page) => page.locator('#headline').innerText();
const media = (asked) => asked.filter(([, path]) => /\.(m3u8|m4s|mp4|jpg)$/.test(path));

withClass('plays with a token, which leaves the address', async ({ id, url, open, asked }) => {
  const text = token(id);
  const page = await open(text);
  await untilPlaying(page, 1);
  assert.equal(page.url(), url);
  assert.ok(media(asked).length > 4);
  assert.deepEqual(media(asked).filter(([, path, status]) => !path.startsWith(`/t/${text}/live/${id}/`) || status >= 400), []);
  // A reload goes on without the link.
  await page.reload();
  await untilPlaying(page, 1);
  // The past is behind the token too.
  await until(async () => (await page.locator('#seek').isHidden() ? 'no timeline' : ''));
  await page.keyboard.press('Home');
  await until(async () => (asked.some(([, path]) => path.includes('/t/') && path.endsWith('-dvr.m3u8')) ? '' : 'no past'));
  await untilState(page, 'behind');
  assert.deepEqual(media(asked).filter(([, path, status]) => !path.startsWith('/t/') || status >= 400), []);
});

withClass('says what is missing without a token, and little else', async ({ id, url, open, asked }) => {
  const page = await open();
  await untilState(page, 'locked');
  assert.equal(await headline(page), 'This class needs a link from your teacher');
  assert.deepEqual(media(asked), []);
  const info = await (await fetch(`${url}/class.json`)).json();
  assert.deepEqual(Object.keys(info).sort(), ['access', 'id', 'server_time', 'state', 'title']);
  const html = await (await fetch(url)).text();
  assert.equal(html.includes('/live/'), false, 'names its media');

  // The link is opened in the same tab.
  await page.goto(`${url}#t=${token(id)}`);
  await untilPlaying(page, 1);
});

for (const [what, options] of [['an expired', { age: 7200 }], ['a forged', { seal: 'evil' }]]) {
  withClass(`${what} token, and no storm of questions`, async ({ id, open, asked }) => {
    const page = await open(token(id, options));
    await untilState(page, 'locked');
    assert.equal(await headline(page), 'Your link has expired');
    const before = asked.length;
    await pass(5);
    assert.ok(asked.length - before <= 2, JSON.stringify(asked.slice(before)));
    assert.deepEqual(media(asked), []);
  });
}

withClass('the token of another class', async ({ open }) => {
  const page = await open(token('guarded-0'));
  await untilState(page, 'locked');
  assert.equal(await headline(page), 'This class needs a link from your teacher');
});

withClass('a token is renewed in time, and the picture goes on', async ({ id, open, asked }) => {
  const old = token(id, { age: 445, life: 600 }); // three quarters are over in 5 s
  const page = await open(old);
  await untilPlaying(page, 1);
  await until(async () => (asked.some(([method, path, status]) => method === 'POST' && path === '/api/v1/playback/renew' && status === 200) ? '' : 'not renewed'));
  const fresh = ([, path]) => path.startsWith('/t/') && !path.includes(old);
  await until(async () => (media(asked).filter(fresh).length > 4 ? '' : 'the old one is used'));
  await untilPlaying(page, 3);
  assert.deepEqual(media(asked).filter(([, , status]) => status >= 400), []);
  assert.equal(asked.filter(([method]) => method === 'POST').length, 1);
  // All levels are where they were: the URLs inside the page have no token.
  assert.equal((await page.evaluate(() => window.lectern.hls.levels.map((l) => l.uri))).some((uri) => uri.includes('/t/')), false);
  await page.reload();
  await untilPlaying(page, 1);
});

withClass('a token that is revoked while one watches', async ({ id, open, asked, set }) => {
  const page = await open(token(id, { name: 'viewer02' }));
  await untilPlaying(page, 1);
  await set({ revoked: ['viewer02'] });
  await untilState(page, 'locked');
  assert.equal(await headline(page), 'Your link has expired');
  assert.equal((await lectern(page)).hls, false, 'the player goes on');
  const before = asked.length;
  await pass(4);
  assert.ok(asked.length - before <= 2, JSON.stringify(asked.slice(before)));
});

run();
