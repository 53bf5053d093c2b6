"""The commands of `just directory`: `python -m deploy.local.directory COMMAND --help`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from deploy.local import processes
from deploy.local.__main__ import INTERRUPTED, default_instance
from deploy.local.arguments import instance_name
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
    command.add_argument(
        "--instance",
        type=instance_name,
        default=default_instance(),
        help="la plateforme, par défaut %(default)s (aussi CPTS_INSTANCE)",
    )
    return parser


def _import(url: str, options: argparse.Namespace) -> bool:
    return import_files(url, options.files, is_much_smaller=options.much_smaller)


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
    except OSError as error:
        print(f"{type(error).__name__} : {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrompu : un import inachevé ne change rien", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
