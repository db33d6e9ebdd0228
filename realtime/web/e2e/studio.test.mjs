// The studio, in Chromium, with the real rooms behind it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, openPage, SCREENS, until, untilPlaying } from './browser.mjs';
import { startFake } from './fake.mjs';
import { guests } from './guests.mjs';

const SECRET = '#k=open-sesame';

let fake;
let browser;
let classes = 0;

function inStudio(name, body, order = {}, screen = SCREENS.desktop) {
  test(name, { timeout: 180000 }, async () => {
    const id = `studio-${classes += 1}`;
    const watch = await fake.set(id, { title: name, state: 'live', air: 'on', low: true, room: true, viewers: 1873, ...order });
    const address = `${fake.url}/studio/${id}`;
    const asked = [];
    const host = await openPage(browser, 'about:blank', { reducedMotion: 'reduce', ...screen });
    host.setDefaultTimeout(60000);
    host.on('request', (request) => asked.push({ url: request.url(), method: request.method(), headers: request.headers(), body: request.postData() ?? '' }));
    await host.goto(address + SECRET);
    const { say, role } = guests(fake, id);
    try {
      await body({ host, say, staff: role('Mo', 'moderator'), id, watch, address, asked, set: (more) => fake.set(id, more) });
      assert.deepEqual(host.faults, []);
    } finally {
      await host.context().close();
    }
  });
}

describe('studio', { concurrency: 4 }, () => {
  before(async () => {
    fake = await startFake();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await fake?.stop();
  });

  inStudio('the secret leaves the address and is shown to nobody but the door', async ({ host, asked, address }) => {
    await host.locator('#chat-text:enabled').waitFor();
    assert.equal(host.url(), address);
    for (const { url, headers, body } of asked) {
      assert.ok(!url.includes('open-sesame') || url === `${address}${SECRET}`, url); // the tool reports the fragment, browsers do not send it
      assert.ok(!(headers.referer ?? '').includes('open-sesame') && !body.includes('open-sesame'), url);
    }
    const stored = await host.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    assert.ok(!stored.includes('open-sesame'));
    await host.reload();
    await host.locator('#chat-text:enabled').waitFor();
    const pass = await host.evaluate(() => Object.values({ ...sessionStorage })[0]);
    const other = await openPage(browser, `${address}#p=${pass}`, SCREENS.desktop);
    await other.locator('#chat-text:enabled').waitFor();
    assert.equal(other.url(), address);
    await other.context().close();
    const response = await fetch(address);
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
  });

  test('without the link, and with a wrong one, the page says so', { timeout: 60000 }, async () => {
    await fake.set('closed', { room: true });
    for (const link of ['', '#k=something-else', '#k=']) {
      const page = await openPage(browser, `${fake.url}/studio/closed${link}`, SCREENS.desktop);
      await page.getByRole('heading', { name: 'This page needs the studio link' }).waitFor();
      assert.equal(await page.locator('#panel-class').isVisible(), false);
      await page.evaluate(() => { location.hash = '#k=open-sesame'; });
      await page.locator('#panel-class').waitFor();
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
    assert.equal((await fetch(`${fake.url}/studio/nothing`)).status, 404);
  });

  inStudio('how the stream does, and what to type into OBS', async ({ host, set }) => {
    await host.locator('#health-state').getByText('Start streaming in OBS').waitFor();
    assert.equal(await host.locator('#setup-server').inputValue(), 'rtmp://live.example.edu/live');
    assert.equal(await host.locator('#setup-key').getAttribute('type'), 'password');
    await host.locator('#setup-show').click();
    assert.equal(await host.locator('#setup-key').getAttribute('type'), 'text');
    await set({ state: 'live', air: 'on' });
    await host.locator('#health-state').getByText('Your stream arrives and is sent on.').waitFor();
    await host.getByText('1920 × 1080, 30 fps').waitFor();
    await host.locator('#setup').waitFor({ state: 'hidden' });
    await untilPlaying(host, 1);
    assert.equal(await host.evaluate(() => document.querySelector('video').muted), true);
    await set({ problems: ['The bit rate falls again and again: your upload is too slow.'] });
    await host.getByText('your upload is too slow').waitFor();
    await set({ state: 'interrupted', air: 'off', problems: [] });
    await host.locator('#health-state').getByText('Nothing arrives from your encoder.').waitFor();
  }, { state: 'scheduled', air: '' });

  inStudio('a poll from its template to its results', async ({ host, say, watch }) => {
    await host.locator('#chat-text:enabled').waitFor();
    await host.locator('#poll-new').click();
    await host.locator('.poll-form select').first().selectOption('abcd');
    await host.getByRole('textbox', { name: 'Question' }).fill('Which one is it?');
    await host.getByText('Quiz: there is a right answer').click();
    await host.getByRole('button', { name: 'Save', exact: true }).click();
    await host.getByText('Tick the right answer.').waitFor();
    await host.getByRole('checkbox', { name: 'Answer 2 is right' }).check();
    await host.getByRole('button', { name: 'Save', exact: true }).click();
    await host.locator('.poll.is-draft').waitFor();
    await host.getByRole('button', { name: 'Open', exact: true }).click();
    const poll = host.locator('.poll.is-open');
    await poll.waitFor();
    const id = await poll.getAttribute('data-id');
    const ann = await openPage(browser, watch, { ...SCREENS.phone, reducedMotion: 'reduce' });
    await ann.locator('.ballot').waitFor();
    for (const [name, choice] of [['Ben', 1], ['Chiara', 1], ['Dmitri', 0]]) {
      await say(name, 'poll.vote', { poll: id, choices: [choice] });
    }
    await until(async () => ((await poll.locator('.voters').innerText()) === '3 votes' ? '' : 'not all votes are counted'));
    // Who looks at the teacher's screen is not told before the teacher wants it.
    assert.match(await poll.locator('.bar-row.most').innerText(), /B\s*67% \(2\)/);
    assert.equal(await poll.getByText('correct').count(), 0);
    await poll.getByRole('button', { name: 'Right answer' }).click();
    await poll.locator('.bar-row.right').getByText('✓ correct').waitFor();
    await poll.getByRole('button', { name: 'Right answer' }).press('Enter');
    await poll.getByText('correct').waitFor({ state: 'detached' });
    await poll.getByRole('button', { name: 'Close' }).click();
    await host.getByRole('button', { name: 'Show the results' }).click();
    await host.locator('.poll.is-revealed .bar-row.right').getByText('✓ correct').waitFor();
    await ann.locator('.bar-row.right').getByText('67% (2)').waitFor();
    assert.deepEqual(ann.faults, []);
    await ann.context().close();
  });

  inStudio('questions are sorted, joined and answered', async ({ host, say }) => {
    const { id } = await say('Ann', 'question.ask', { text: 'Why is it green?' });
    const { id: same } = await say('Ben', 'question.ask', { text: 'What makes it green?' });
    await say('Chiara', 'question.vote', { question: id, up: true });
    await host.locator('#tab-questions').click();
    const row = (q) => host.locator(`.question[data-id="${q}"]`);
    await row(same).getByRole('button', { name: 'Merge' }).click();
    await row(same).getByRole('combobox').selectOption(id);
    await row(same).getByRole('button', { name: 'Join, votes and all' }).click();
    await row(same).waitFor({ state: 'detached' });
    await until(async () => ((await row(id).locator('.votes').innerText()) === '2' ? '' : 'the votes are not joined'));
    await row(id).getByRole('button', { name: 'Answer now' }).click();
    await row(id).getByRole('button', { name: 'Answered' }).click();
    await row(id).waitFor({ state: 'detached' });
    await host.locator('#question-filter').selectOption('answered');
    await row(id).getByText('Answered in the lecture').waitFor();
  });

  inStudio('order in the chat: deleting, restoring, pinning, muting, settings', async ({ host, say, watch }) => {
    const { id } = await say('Ann', 'chat.send', { text: 'buy my book' });
    const row = host.locator(`.message[data-id="${id}"]`);
    await row.focus();
    await row.getByRole('button', { name: 'Pin' }).press('Enter');
    await host.locator('#pinned:visible').waitFor();
    await row.getByRole('button', { name: 'Delete the message of Ann' }).press('Enter');
    await row.getByText('Deleted:').waitFor();
    await host.locator('#pinned').waitFor({ state: 'hidden' });
    const viewer = await openPage(browser, watch, SCREENS.desktop);
    await viewer.locator('#chat-text:enabled').waitFor();
    assert.equal(await viewer.locator('.message').count(), 0);
    await row.focus();
    await row.getByRole('button', { name: 'Restore' }).press('Enter');
    await viewer.locator('.message').waitFor();
    await row.focus();
    await row.getByRole('button', { name: 'Moderate Ann' }).press('Enter');
    await row.getByRole('button', { name: 'Mute', exact: true }).click();
    await assert.rejects(say('Ann', 'chat.send', { text: 'again' }), /muted/);
    await host.locator('#tab-hands').click();
    await host.locator('#restricted summary').click();
    await host.locator('#restricted').getByRole('button', { name: 'Unmute' }).click();
    await host.locator('#restricted').waitFor({ state: 'hidden' });
    await say('Ann', 'chat.send', { text: 'sorry' });
    await host.locator('#settings summary').click();
    await host.locator('#set-chat').selectOption('hosts');
    await viewer.getByText('Only the teacher writes here now').waitFor();
    await host.locator('#settings-now').getByText('hosts only').waitFor();
    await host.locator('#announce-text').fill('Break');
    await host.locator('#announce-text').press('Enter');
    await viewer.locator('.announcement').waitFor();
    await host.locator('#marker-text').fill('Chapter two');
    await host.locator('#marker-text').press('Enter');
    await host.locator('#markers li').getByText('Chapter two').waitFor();
    assert.deepEqual(viewer.faults, []);
    await viewer.context().close();
  });

  inStudio('a flood of messages does not fill the page', async ({ host, say }) => {
    await host.locator('#chat-text:enabled').waitFor();
    const all = Array.from({ length: 260 }, (_, i) => i);
    while (all.length > 0) {
      await Promise.all(all.splice(0, 50).map((i) => say(`Guest ${i % 130}`, 'chat.send', { text: `message ${i}` })));
    }
    await say('Last', 'chat.send', { text: 'the last one' });
    await until(async () => ((await host.locator('.message .body').last().innerText()) === 'the last one' ? '' : 'the last message is not there'));
    assert.ok(await host.locator('.message').count() <= 200);
  });

  inStudio('ending the class asks first', async ({ host, watch }) => {
    const viewer = await openPage(browser, watch, SCREENS.desktop);
    await viewer.locator('#chat-text:enabled').waitFor();
    await host.locator('#end-open').click();
    assert.equal(await host.evaluate(() => document.activeElement.textContent), 'Go on teaching');
    await host.keyboard.press('Enter');
    await host.locator('#end').waitFor({ state: 'hidden' });
    await host.locator('#end-open').click();
    await host.locator('#end-now').click();
    await host.locator('#room-state').getByText('The class has ended, and its room has closed.').waitFor();
    await viewer.locator('#room-state').getByText('The class has ended').waitFor();
    await host.locator('#air').getByText('Ended').waitFor();
    await viewer.context().close();
  });

  inStudio('on a phone everything is behind tabs', async ({ host, say }) => {
    await host.locator('#panel-class').waitFor();
    assert.equal(await host.locator('#log').isVisible(), false);
    await say('Ann', 'hand.raise');
    await until(async () => ((await host.locator('#count-hands').innerText()) === '1' ? '' : 'no hand is up'));
    for (const [tab, panel] of [['tab-polls', 'panel-polls'], ['tab-chat', 'panel-chat'], ['tab-questions', 'panel-questions'], ['tab-hands', 'panel-hands'], ['tab-class', 'panel-class']]) {
      await host.locator(`#${tab}`).click();
      await host.locator(`#${panel}:visible`).waitFor();
      assert.equal(await host.locator(':is(#panel-class, #panel-polls, #panel-chat, #panel-questions, #panel-hands):visible').count(), 1);
    }
  }, {}, SCREENS.phone);
});
