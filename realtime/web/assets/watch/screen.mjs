// Full screen and picture in picture, with the older names Safari uses.

export function inFullscreen() {
  return Boolean(document.fullscreenElement ?? document.webkitFullscreenElement);
}

/** toggleFullscreen takes the stage with our buttons, or on iPhones the bare video. */
export function toggleFullscreen(stage, video) {
  const ignore = () => {};
  if (inFullscreen()) {
    const leave = document.exitFullscreen ?? document.webkitExitFullscreen;
    leave.call(document)?.catch?.(ignore);
    return;
  }
  const enter = stage.requestFullscreen ?? stage.webkitRequestFullscreen;
  if (enter) {
    enter.call(stage)?.catch?.(ignore);
  } else {
    video.webkitEnterFullscreen?.();
  }
}

/** pictureInPicture returns a function that toggles it, or null if there is none. */
export function pictureInPicture(video) {
  if (document.pictureInPictureEnabled && video.requestPictureInPicture) {
    return () => {
      const done = document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture();
      done.catch(() => {});
    };
  }
  if (video.webkitSupportsPresentationMode?.('picture-in-picture')) {
    return () => {
      const small = video.webkitPresentationMode === 'picture-in-picture';
      video.webkitSetPresentationMode(small ? 'inline' : 'picture-in-picture');
    };
  }
  return null;
}
