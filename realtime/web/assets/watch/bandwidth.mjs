// What to expect of the link before anything was loaded, and whether to save.

/** Enough for the lower renditions: too low costs a few seconds of sharpness, too high a stall. */
const UNKNOWN_BPS = 1e6;
const LEAST_BPS = 300e3;
const MOST_BPS = 3e6;

/**
 * expected is the bandwidth to start with, in bits a second.
 *
 * @param measured    by the player before, null if there was none
 * @param connection  navigator.connection, where there is one
 */
export function expected(measured, connection) {
  if (measured > 0) {
    return measured;
  }
  // Browsers round it and cap it, and it is of the past: believe half.
  const told = (connection?.downlink ?? 0) * 1e6 / 2;
  return told > 0 ? Math.min(Math.max(told, LEAST_BPS), MOST_BPS) : UNKNOWN_BPS;
}

/** frugal says that the viewer has asked the browser to save data. */
export function frugal(connection) {
  return connection?.saveData === true;
}
