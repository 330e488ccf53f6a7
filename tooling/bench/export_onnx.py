"""Exports dense Swin-T of torchvision, random weights, one ONNX file for each input size: what the other runtimes run in the bench.

    python3 export_onnx.py                 # all sizes of the bench, into .cache/onnx beside this file
    python3 export_onnx.py --sizes 224 512 --folder elsewhere

Needs torch, torchvision and onnx (Debian: python3-torch python3-torchvision python3-onnx libopenblas0-pthread; or pip in an environment of
its own). The classifier is left out: the output is the normed map of the last stage, as in our rows.
"""

import argparse
import inspect
import inspect
import pathlib

import torch
import torchvision


def export(backbone: torch.nn.Module, size: int, path: pathlib.Path) -> None:
    options = {"opset_version": 16, "input_names": ["image"], "output_names": ["features"]}
    # the exporter by tracing: the number of windows is a constant of a size
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    # written under another name first: a file that is there is whole
    unfinished = path.with_suffix(".part")
    torch.onnx.export(backbone, (torch.zeros(1, 3, size, size),), str(unfinished), **options)
    unfinished.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Exports dense Swin-T of torchvision for the bench.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 512, 672, 1024], help="side of the image in pixels")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(__file__).parent / ".cache" / "onnx")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = torchvision.models.swin_t(weights=None).eval()
    backbone = torch.nn.Sequential(model.features, model.norm).eval()
    for size in options.sizes:
        path = options.folder / f"swin_t-{size}.onnx"
        export(backbone, size, path)
        megabytes = path.stat().st_size / 1e6
        print(f"{path.name}: {megabytes:.0f} MB, torch {torch.__version__}, torchvision {torchvision.__version__}", flush=True)


if __name__ == "__main__":
    main()
