"""Settings of training in the words of the form, and the presets in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping

from studio.translator.settings import field_help

PRESET_WORDS: Mapping[str, str] = {
    "demo": "Minutes on two CPU cores, for trying things out.",
    "fast": "Half the paper's width and crop; a night on a GPU.",
    "paper": "As published; days on a GPU.",
}
_SHORT = {
    "dim": "Channels", "res_blocks": "Residual blocks", "mlp_dim": "Style network", "disc_dim": "Judge's channels",
    "disc_layers": "Judge's layers", "disc_scales": "Judge's scales", "load_width": "Load width",
    "resize_low": "Enlarge, least", "resize_high": "Enlarge, most", "cache_mb": "Picture cache", "beta1": "Adam β₁",
    "beta2": "Adam β₂", "ema": "Weight averaging", "weight_image": "Image", "weight_content": "Content",
    "weight_style": "Style", "weight_cycle": "Cycle", "weight_gan": "Adversarial",
    "weight_ms_ssim_ab": "Keep structure →", "weight_ms_ssim_ba": "Keep structure ←",
    "encoded_style_share": "Footage's style", "reencode_noise": "Re-encode noise", "keep_checkpoints": "Keep last",
    "checkpoint_every": "Checkpoint every", "sample_every": "Samples every", "log_every": "Log every",
}  # fmt: skip
SETTING_WORDS: Mapping[str, str] = {
    about.name: _SHORT.get(about.name, about.name.replace("_", " ").capitalize()) for about in field_help()
}


def setting_tips() -> dict[str, str]:
    """What each setting means, and its name on the command line."""
    return {a.name: f"{a.meaning[:1].upper()}{a.meaning[1:]}  ({a.name})" for a in field_help()}
