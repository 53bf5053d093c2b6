"""The commands of `just directory`: `python -m deploy.local.directory COMMAND --help`."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import httpx

from deploy.local import processes
from deploy.local.__main__ import INTERRUPTED, default_instance
from deploy.local.arguments import instance_name
from deploy.local.directory import participants
from deploy.local.directory.extracts import BadFile
from deploy.local.directory.importing import import_files
from deploy.local.lifecycle import NotUp, find_running


def _parser() -> argparse.ArgumentParser:
    text = "Les extraits publics de l'annuaire national, par l'API du service (`just up`)."
    parser = argparse.ArgumentParser(prog="just directory", description=text)
    commands = parser.add_subparsers(required=True, metavar="COMMANDE", title="commandes")
    text = (
        "Reprend des extraits de l'Annuaire Santé (PS_LibreAcces_Personne_activite) et de FINESS "
        "(etalab-cs1100502), dans leur ZIP ou non ; chacun remplace le précédent en une fois."
    )
    command = commands.add_parser("import", help=text, description=text)
    command.set_defaults(run=_import)
    command.add_argument("files", nargs="+", metavar="FICHIER", type=Path)
    command.add_argument(
        "--much-smaller",
        action="store_true",
        help="le fichier a bien moins de la moitié des lignes du précédent, et c'est voulu",
    )
    _add_instance(command)
    text = "Reprend la liste des participants d'une plateforme SAS, toute ou rien."
    command = commands.add_parser("participants", help=text, description=text)
    command.set_defaults(run=_participants)
    command.add_argument("platform", metavar="PLATEFORME", type=platform_name)
    command.add_argument("file", metavar="FICHIER", type=Path, help="un CSV (docs/directory.md)")
    command.add_argument(
        "--departements",
        required=True,
        type=lambda text: text.split(","),
        metavar="CODES",
        help="ceux que la liste couvre, séparés par des virgules",
    )
    command.add_argument(
        "--on", required=True, type=day, metavar="JOUR", help="celui de la liste, 2026-11-27"
    )
    _add_instance(command)
    return parser


def platform_name(text: str) -> str:
    """The name of a platform: it becomes a part of an address."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", text):
        raise argparse.ArgumentTypeError("de 1 à 40 lettres minuscules, chiffres et -")
    return text


def day(text: str) -> date:
    """A day as `2026-11-27`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"« {text} » n'est pas un jour") from None


def _add_instance(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--instance",
        type=instance_name,
        default=default_instance(),
        help="la plateforme, par défaut %(default)s (aussi CPTS_INSTANCE)",
    )


def _import(url: str, options: argparse.Namespace) -> bool:
    return import_files(url, options.files, is_much_smaller=options.much_smaller)


def _participants(url: str, options: argparse.Namespace) -> bool:
    rows = participants.read(options.file)
    return participants.send(url, options.platform, options.departements, options.on, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code: 0 done, 1 not all of it, 2 not understood, 130
    Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    processes.end_by_exception_on_signals()
    try:
        url = find_running(options.instance).http_urls["membership"]
        return 0 if options.run(url, options) else 1
    except NotUp:
        print("la plateforme n'est pas démarrée : lancez `just up`", file=sys.stderr)
    except httpx.TransportError:
        text = "membership ne répond pas : `just status` dit pourquoi"
        print(f"{text} ; un import interrompu ne change rien", file=sys.stderr)
    except BadFile as bad:
        print(bad, file=sys.stderr)
    except OSError as error:
        print(f"{type(error).__name__} : {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrompu : un import inachevé ne change rien", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
