// After the end: finds out whether there is a recording, and plays it to those who
// come then.

/** Everybody who saw the end waits up to so long before asking. */
const SPREAD_MS = 3000;

/**
 * recording follows the class to its end and beyond.
 *
 * @param came whether the viewer came when the class had ended already
 */
export function recording(player, came) {
  let asked = false;
  let there = false;
  let playing = false;

  async function ask(cls) {
    asked = true;
    if (!came) {
      await new Promise((resolve) => { setTimeout(resolve, Math.random() * SPREAD_MS); });
    }
    there = await player.recorded(cls).catch(() => false);
    if (there && came) {
      play(cls);
    }
  }

  function play(cls) {
    playing = true;
    player.replay(cls);
  }

  return {
    /** follow is called a few times a second. */
    follow(cls, view) {
      if (cls.state !== 'ended') {
        asked = false;
        there = false;
        playing = false;
        came = false;
      } else if (!asked && cls.hls && !cls.locked && (came || view === 'ended')) {
        ask(cls);
      }
    },
    /** there says that the button to watch it makes sense. */
    get there() { return there; },
    get playing() { return playing; },
    play,
  };
}
