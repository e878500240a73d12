// What the tests ask of the page: the notebook in front, through JupyterLab's own objects.
"use strict";

const panel = () => window.jupyterapp?.shell.currentWidget;
const outputsOf = (cell) => [...cell.node.querySelectorAll(".jp-OutputArea-output")];
const inOutputs = (cell, what) =>
  outputsOf(cell).flatMap((output) => [...output.querySelectorAll(what)]);

window.notebook = {
  isReady() {
    const context = panel()?.sessionContext;
    const loaded = panel()?.context?.isReady && context?.isReady;
    return Boolean(loaded && context.session?.kernel?.status === "idle");
  },

  // Not awaited by the caller, so that the caller's time limit holds.
  startAll() {
    window.isDone = false;
    window.jupyterapp.commands
      .execute("notebook:run-all-cells")
      .finally(() => (window.isDone = true));
  },

  isDone() {
    return window.isDone && this.isReady();
  },

  cells() {
    return [...panel().content.model.cells].map((cell) => cell.toJSON());
  },

  scrollTo(index) {
    return panel().content.scrollToItem(index);
  },

  isPainted(index) {
    const cell = panel().content.widgets[index];
    const expected = cell.model.outputs?.length ?? 0;
    const outputs = outputsOf(cell);
    const isFilled = outputs.every((output) => output.childNodes.length > 0);
    const isLoaded = inOutputs(cell, "img").every((image) => image.complete);
    const isInView = cell.inputArea.node.checkVisibility({ contentVisibilityAuto: true });
    return isInView && outputs.length >= expected && isFilled && isLoaded;
  },

  count(index, what) {
    return inOutputs(panel().content.widgets[index], what).length;
  },

  seen(index) {
    const images = inOutputs(panel().content.widgets[index], "img");
    const loaded = images.filter((image) => image.naturalWidth > 0);
    return { tables: this.count(index, "table"), images: loaded.length };
  },

  text(index) {
    const outputs = outputsOf(panel().content.widgets[index]);
    return outputs.map((output) => output.textContent).join("\n");
  },

  // Pixels from the top of the page to the last cell's end.
  height() {
    const heights = panel().content.widgets.map((cell) => cell.node.offsetHeight);
    const top = panel().content.outerNode.getBoundingClientRect().top;
    return Math.ceil(heights.reduce((sum, height) => sum + height, top)) + 100;
  },

  isPaintedWhole() {
    return panel().content.widgets.every((cell, index) => this.isPainted(index));
  },

  async editNewCell() {
    const content = panel().content;
    content.activeCellIndex = content.widgets.length - 1;
    await window.jupyterapp.commands.execute("notebook:insert-cell-below");
    await window.jupyterapp.commands.execute("notebook:enter-edit-mode");
  },

  close() {
    return panel().sessionContext.shutdown();
  },
};
