// Tests of one file, which share a browser and a fake server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { availableParallelism } from 'node:os';
import { launchBrowser, openPage, SCREENS } from './browser.mjs';
import { startFake } from './fake.mjs';

/**
 * suite collects tests until its run is called.
 *
 * @param name   of the suite
 * @param prefix of the names of its classes
 */
export function suite(name, prefix) {
  const stage = { fake: null, browser: null };
  const tests = [];
  let classes = 0;

  /** add adds a test, whose body is given { fake, browser }. */
  const add = (title, body) => tests.push([title, () => body(stage)]);

  /**
   * withPage makes a class, opens its page, runs body and checks that nothing broke.
   * body is given the page, a function that changes the class, and the URL of its media.
   *
   * @param init a script that the page runs before its own
   */
  const withPage = (title, order, body, { screen = SCREENS.window, init } = {}) => add(title, async ({ fake, browser }) => {
    const id = `${prefix}-${classes += 1}`;
    const url = await fake.set(id, { title, ...order });
    const page = await openPage(browser, init ? 'about:blank' : url, screen);
    try {
      if (init) {
        await page.addInitScript(init);
        await page.goto(url);
      }
      await body(page, (more) => fake.set(id, more), `${fake.url}/live/${id}`);
      assert.deepEqual(page.faults, []);
    } finally {
      await page.context().close();
    }
  });

  /** run hands the tests to the runner. */
  const run = () => {
    // Most of the time nothing happens but time: a few at once, as many as can be played.
    describe(name, { concurrency: Number(process.env.E2E_CONCURRENCY ?? 2 * availableParallelism()) }, () => {
      before(async () => {
        stage.fake = await startFake();
        stage.browser = await launchBrowser();
      });
      after(async () => {
        await stage.browser?.close();
        await stage.fake?.stop();
      });
      for (const [title, body] of tests) {
        test(title, { timeout: 180000 }, body);
      }
    });
  };
  return { add, withPage, run };
}

/** pass lets time go by: how long a state lasts, never how long to wait for a result. */
export const pass = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
