"""What can be done on the page Styles."""

from __future__ import annotations

from studio.gui.actions import Action

ROWS = (
    Action("styles.draw", "Draw styles anew", "Draw new styles in the place of all that are not pinned",
           "draw_anew", shortcut="Ctrl+R", icon="dice", needs="project", page="Styles"),
    Action("styles.reroll", "Re-roll this style", "Draw another style in the place of the one in hand", "reroll",
           shortcut="R", icon="refresh", needs="project", page="Styles"),
    Action("styles.pin", "Pin this style", "Keep the style when styles are drawn anew", "pin", shortcut="P",
           icon="pin", needs="project", page="Styles"),
    Action("styles.drop", "Drop this style", "Take the style off the bench; kept palettes keep it", "drop",
           shortcut="Del", icon="trash", needs="project", page="Styles"),
    Action("styles.rename", "Rename this style", "Give the style in hand another name", "rename", shortcut="F2",
           icon="edit", needs="project", page="Styles"),
    Action("styles.frames", "Other frames", "Put other frames of the scenes into the rows", "other_frames",
           shortcut="Ctrl+Shift+R", icon="refresh", needs="project", page="Styles"),
    Action("styles.pick", "Pick frames…", "Choose frames on the page Scenes; its “Show in style lab” puts them into the"
           " rows, pinned", "pick_frames", shortcut="Ctrl+Shift+F", icon="scenes", needs="project", page="Styles"),
    Action("styles.pin_frame", "Pin this frame", "Keep the frame in the rows when others are taken; the data set has"
           " all frames anyway", "pin_frame", shortcut="Shift+P", icon="pin", needs="project", page="Styles"),
    Action("styles.drop_frame", "Remove this frame", "Take the frame out of the rows; it stays in the project",
           "drop_frame", shortcut="Shift+Del", icon="close", needs="project", page="Styles"),
    Action("styles.sheet", "Save the grid as a picture…", "Write all rows and styles as one PNG at full resolution,"
           " with their names and with the layer that is shown", "save_sheet", shortcut="Ctrl+Shift+S", icon="save",
           needs="project", page="Styles"),
    Action("styles.copy_sheet", "Copy the grid as a picture", "Put all rows and styles on the clipboard as one picture"
           " at full resolution", "copy_sheet", shortcut="Ctrl+Shift+C", icon="copy", needs="project", page="Styles"),
    Action("styles.worst", "Worst first",
           "Order frames and styles by mean validity, so that what breaks content comes to the top left; all are kept",
           "worst_first", icon="filter", needs="project", page="Styles"),
    Action("styles.encode", "Encode footage", "Compute the style of every footage frame with this run, once",
           "encode", icon="play", needs="project", page="Styles"),
    Action("styles.save", "Save as palette", "Keep the styles on the bench as a palette", "save", shortcut="Ctrl+S",
           icon="save", needs="project", page="Styles"),
    Action("styles.translate", "Translate with this palette",
           "Save the styles as a palette and translate every frame of the project in them", "translate",
           shortcut="Ctrl+Return", icon="play", needs="project", page="Styles"),
    Action("styles.train", "Go to Train", "Train a translator first", "go_to_train", icon="train", needs="project",
           page="Styles"),
)  # fmt: skip
