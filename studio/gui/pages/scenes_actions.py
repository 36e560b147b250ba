"""The actions of the page Scenes."""

from __future__ import annotations

from studio.gui.actions import Action

SCENES_ROWS = (
    Action("scenes.add", "Add folder…", "Add simulated scenes from a folder; they stay where they lie",
           "add_folder", shortcut="Ctrl+Shift+O", icon="folder", needs="project", page="Scenes"),
    Action("scenes.add_as", "Add folder of a layout…", "Say which layout a folder has, where it could be taken for"
           " another", "choose_layout", icon="down", needs="project", page="Scenes"),
    Action("scenes.folders", "Add plain folders…", "Say which folder holds pictures, labels, depth and normals, and"
           " see what is understood before anything is added", "add_plain_folders", icon="layers", needs="project",
           page="Scenes"),
    Action("scenes.simulate", "Simulate…", "Render new labelled frames of simulated bodies into the project",
           "show_simulate", shortcut="Ctrl+R", icon="cube", needs="project", page="Scenes"),
    Action("scenes.frames", "Back to the frames", "Show the project's frames in the place of the simulator",
           "show_frames", icon="eye", needs="project", page="Scenes"),
    Action("scenes.plain", "Picture only", "Show the render without a layer over it", "show_plain", shortcut="P",
           icon="eye", needs="project", page="Scenes"),
    Action("scenes.labels", "Show labels", "Blend the segmentation over the render", "show_labels", shortcut="L",
           icon="layers", needs="project", page="Scenes"),
    Action("scenes.depth", "Show depth", "Show the distance from the camera in mm", "show_depth", shortcut="D",
           icon="depth", needs="project", page="Scenes"),
    Action("scenes.normals", "Show normals", "Show where surfaces face", "show_normals", shortcut="N",
           icon="normals", needs="project", page="Scenes"),
    Action("scenes.lab", "Show in style lab", "Put the selected frames into the rows of the page Styles, pinned, to"
           " see them in every style", "show_in_lab", shortcut="S", icon="styles", needs="project", page="Scenes"),
    Action("scenes.measure", "Measure frames", "Read every frame once and keep which classes and depths it shows,"
           " so that frames can be found by them", "measure", icon="filter", needs="project", page="Scenes"),
    Action("scenes.compare", "Compare with the footage", "Let the newest segmenter label some footage frames, and"
           " lay their class frequencies beside the scenes'", "compare", icon="chart", needs="project", page="Scenes"),
    Action("scenes.rename", "Rename set", "Give the chosen set of scenes another name; its folder keeps its own",
           "rename", shortcut="F2", icon="edit", needs="project", page="Scenes"),
    Action("scenes.relink", "Find moved folder…", "Point the chosen scene to where its folder lies now", "relink",
           icon="search", needs="project", page="Scenes"),
    Action("scenes.remove", "Remove scenes…", "Take the chosen patient's or set's scenes out of the project; their"
           " files stay", "remove",
           icon="trash", needs="project", page="Scenes"),
)  # fmt: skip
