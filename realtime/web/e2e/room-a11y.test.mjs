// axe-core on the states of the room and of the studio, dark and light, on desktops
// and phones; and a few rules that it has not.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, openPage, SCREENS } from './browser.mjs';
import { startFake } from './fake.mjs';
import { guests } from './guests.mjs';

let fake;
let browser;
let axe;

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

async function violations(page) {
  // Evaluated by the debugger, which the content policy does not bind.
  await page.evaluate(axe);
  const result = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), RULES);
  return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('\n')}`);
}

const sideScroll = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** tight lists what is smaller than a finger or a shaky hand needs (WCAG 2.5.8 and, for fingers, 2.5.5). */
const tight = (page) => page.evaluate(() => {
  const least = (e) => (e.matches('button, select, textarea') && matchMedia('(pointer: coarse)').matches ? 44 : 24);
  return Array.from(document.querySelectorAll('button, input, select, textarea, summary'))
    .filter((e) => e.checkVisibility({ checkVisibilityCSS: true }) && !e.closest('.unseen'))
    .map((e) => ({ e, box: (e.closest('label') ?? e).getBoundingClientRect() }))
    .filter(({ e, box }) => Math.min(box.width, box.height) < least(e) - 0.5)
    .map(({ e, box }) => `${e.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`);
});

/** people fill a room. */
async function people({ say, role }) {
  const host = role('Dr Ada Byron', 'host');
  const { id: first } = await say('Ann Smith', 'chat.send', { text: 'Good morning' });
  await say('Ben', 'chat.send', { text: 'Good morning, Ann', reply_to: first });
  await say('Chiara', 'chat.send', { text: 'Only for staff', to: 'staff' });
  await host('chat.send', { text: 'The slides: https://example.edu/bio/7' });
  await host('chat.pin', { message: first, pinned: true });
  await host('announce', { text: 'A break at 10:30' });
  const { id: one } = await say('Ann Smith', 'question.ask', { text: 'Why is it green?' });
  await say('Ben', 'question.ask', { text: 'Will it be in the exam?', anonymous: true });
  const { id: three } = await say('Chiara', 'question.ask', { text: 'Which page?' });
  await host('question.move', { question: one, state: 'answering' });
  await host('question.answer', { question: three, text: 'Page 41' });
  await say('Ben', 'hand.raise');
  return host;
}

const VIEWER = {
  chat: async ({ page }) => {
    await page.locator('.message').first().waitFor();
    await page.locator('.message').first().focus();
  },
  questions: async ({ page }) => {
    await page.locator('#tab-questions').click();
    await page.locator('#question-filter').selectOption('all');
    await page.locator('.answer').waitFor();
  },
  'poll open': async ({ page, host }) => {
    const { id } = await host('poll.save', { kind: 'multiple', prompt: 'Which ones?', options: ['red', 'green', 'blue'], results: 'live' });
    await host('poll.open', { poll: id, seconds: 300 });
    await page.locator('.ballot').waitFor();
  },
  scale: async ({ page, host }) => {
    const { id } = await host('poll.save', { kind: 'scale', prompt: 'How clear?', options: ['not at all', 'very'], min: 0, max: 10, results: 'live' });
    await host('poll.open', { poll: id });
    await page.locator('.ballot').waitFor();
  },
  results: async ({ page, host, say }) => {
    const { id } = await host('poll.save', { kind: 'single', prompt: 'Which one?', options: ['red', 'green'], correct: [1], quiz: true, results: 'after' });
    await host('poll.open', { poll: id });
    await say('Ben', 'poll.vote', { poll: id, choices: [1] });
    await page.getByLabel('red').check();
    await page.getByRole('button', { name: 'Vote' }).click();
    await host('poll.close', { poll: id });
    await host('poll.reveal', { poll: id });
    await page.locator('.verdict').waitFor();
  },
  name: async ({ page }) => {
    await page.locator('#name-change').click();
    await page.locator('#name').waitFor();
  },
  mention: async ({ page }) => {
    await page.locator('#chat-text').pressSequentially('Hello @');
    await page.getByRole('option').first().waitFor();
  },
  named: async ({ page, say, host }) => {
    const { id } = await say('Ben', 'chat.send', { text: 'hello' });
    const me = await page.evaluate(() => window.lecternRoom.me);
    await host('chat.send', { text: 'It is @you', mentions: [me], reply_to: id });
    await page.locator('.to-me').waitFor();
  },
  muted: async ({ page, host }) => {
    await host('room.set', { paused: true });
    await page.getByText('The teacher has paused the room.').waitFor();
  },
};

const MODERATOR = {
  hands: async ({ page }) => {
    await page.locator('#tab-hands').click();
    await page.getByRole('button', { name: 'Give the word' }).waitFor();
  },
  settings: async ({ page }) => {
    await page.locator('#settings summary').click();
    await page.locator('#set-slow').waitFor();
  },
};

const HOST = {
  chat: async ({ page }) => {
    await page.locator('.message').first().waitFor();
    const row = page.locator('.message', { hasText: 'Good morning' }).first();
    await row.focus();
    await row.getByRole('button', { name: 'Moderate Ann Smith' }).press('Enter');
    await page.locator('.moderation').waitFor();
  },
  questions: async ({ page }) => {
    await page.locator('#tab-questions').click();
    await page.getByRole('button', { name: 'Merge' }).last().click();
    await page.locator('.question-form').waitFor();
  },
  hands: async ({ page }) => {
    await page.locator('#tab-hands').click();
    await page.getByRole('button', { name: 'Give the word' }).waitFor();
  },
  settings: async ({ page }) => {
    await page.locator('#settings summary').click();
    await page.locator('#set-words').waitFor();
  },
  composer: async ({ page }) => {
    await page.locator('#poll-new').click();
    await page.getByText('Quiz: there is a right answer').click();
  },
  results: async ({ page, host, say }) => {
    for (const [kind, vote] of [['cloud', { text: 'green' }], ['text', { text: 'because of chlorophyll' }]]) {
      const { id } = await host('poll.save', { kind, prompt: `A ${kind}`, results: 'after' });
      await host('poll.open', { poll: id });
      await say('Ben', 'poll.vote', { poll: id, ...vote });
    }
    await page.locator('.cloud li').waitFor();
    await page.locator('.texts li').waitFor();
  },
  end: async ({ page }) => {
    await page.locator('#end-open').click();
  },
};

// What is behind a tab on a phone.
const PHONE_TAB = { chat: 'tab-chat', settings: 'tab-chat', composer: 'tab-polls', results: 'tab-polls' };

describe('room accessibility', { concurrency: 4 }, () => {
  before(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    fake = await startFake();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await fake?.stop();
  });

  let n = 0;
  for (const [kind, states] of [['watch', VIEWER], ['moderator', MODERATOR], ['studio', HOST]]) {
    for (const [state, reach] of Object.entries(states)) {
      for (const [look, options] of [['desktop', SCREENS.desktop], ['dark phone', { ...SCREENS.phone, colorScheme: 'dark' }]]) {
        test(`${kind}: ${state}, ${look}`, { timeout: 180000 }, async () => {
          const id = `a11y-${n += 1}`;
          const url = await fake.set(id, { title: 'Cell biology', state: 'live', air: 'on', low: true, room: true, viewers: 12, problems: ['The sound is silent.'] });
          const with_ = guests(fake, id);
          const host = await people(with_);
          const address = { watch: url, moderator: `${url}#p=${kind === 'moderator' ? await with_.pass('Mo', 'moderator') : ''}`, studio: `${fake.url}/studio/${id}#k=open-sesame` }[kind];
          const page = await openPage(browser, address, { reducedMotion: 'reduce', ...options });
          page.setDefaultTimeout(60000);
          await page.locator('#chat-text:enabled').waitFor({ state: 'attached' });
          if (kind === 'studio' && options.isMobile && PHONE_TAB[state]) {
            await page.locator(`#${PHONE_TAB[state]}`).click();
          }
          await reach({ page, host, say: with_.say });
          assert.deepEqual(await violations(page), []);
          assert.deepEqual(await tight(page), []);
          assert.equal(await sideScroll(page), 0);
          assert.deepEqual(page.faults, []);
          await page.context().close();
        });
      }
    }
  }

  // Every control once by Tab alone, in a circle without a trap, each where it can be seen.
  for (const [kind, options, want] of [
    ['watch', SCREENS.desktop, ['play', 'fullscreen', 'tab-chat', 'log', 'chat-text', 'to-staff', 'chat-pause', 'name-change', 'hand', 'Thumbs up', 'Celebrate', 'Too fast', 'All good']],
    ['watch', SCREENS.phone, ['play', 'tab-chat', 'chat-text', 'hand', 'react-open', 'pace-open']],
    ['studio', SCREENS.desktop, ['end-open', 'play', 'setup-open', 'watch-link', 'announce-text', 'announce-for', 'marker-text', 'poll-new', 'tab-chat', 'log', 'chat-text', 'chat-pause']],
    ['studio', SCREENS.phone, ['end-open', 'tab-class', 'watch-link', 'announce-text']],
  ]) {
    test(`${kind}: by the keyboard${options.isMobile ? ', phone' : ''}`, { timeout: 180000 }, async () => {
      const id = `a11y-${n += 1}`;
      const url = await fake.set(id, { title: 'Cell biology', state: 'live', air: 'on', low: true, room: true });
      await people(guests(fake, id));
      const page = await openPage(browser, kind === 'watch' ? url : `${fake.url}/studio/${id}#k=open-sesame`, { reducedMotion: 'reduce', ...options });
      page.setDefaultTimeout(60000);
      await page.locator('#chat-text:enabled').waitFor({ state: 'attached' });
      await page.locator('.message').first().waitFor({ state: 'attached' });
      await page.locator('#bar:visible').waitFor();
      if (kind === 'studio') {
        await page.locator('#end-open:visible').waitFor();
      }
      const reached = [];
      for (let i = 0; i < 120; i += 1) {
        await page.keyboard.press('Tab');
        const now = await page.evaluate(() => {
          const e = document.activeElement;
          if (e === document.body || e === null) {
            return null;
          }
          const box = e.getBoundingClientRect();
          const seen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && e.checkVisibility({ checkVisibilityCSS: true });
          return { name: e.id || e.getAttribute('aria-label') || e.textContent, seen, first: e.dataset.tabbed === 'yes', mark: (e.dataset.tabbed = 'yes') };
        });
        if (now === null || now.first) {
          break;
        }
        assert.ok(now.seen, `${now.name} has the focus out of sight`);
        reached.push(now.name);
      }
      assert.ok(reached.length < 120, 'there is no end of it');
      assert.deepEqual(want.filter((name) => !reached.includes(name)), [], `reached ${reached.join(', ')}`);
      await page.context().close();
    });
  }
});
