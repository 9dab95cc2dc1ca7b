"""Modules that programs of 2013 to 2018 could import and a modern Python has no more, each with what to do."""

from __future__ import annotations

import sys

__all__ = ("REMOVED_MODULES",)

_WITHOUT_SUCCESSOR = "it has no successor in the standard library"

# Name, the Python that removed it, what there is instead.
_OF_PYTHON_3 = (
    ("macpath", (3, 8), "use os.path"),
    ("_dummy_thread", (3, 9), "use _thread"),
    ("dummy_threading", (3, 9), "use threading"),
    ("formatter", (3, 10), _WITHOUT_SUCCESSOR),
    ("parser", (3, 10), "use ast"),
    ("symbol", (3, 10), "use ast"),
    ("binhex", (3, 11), _WITHOUT_SUCCESSOR),
    ("asynchat", (3, 12), "use asyncio"),
    ("asyncore", (3, 12), "use asyncio"),
    ("distutils", (3, 12), "install setuptools, which brings it along"),
    ("imp", (3, 12), "use importlib"),
    ("smtpd", (3, 12), "install aiosmtpd"),
    ("aifc", (3, 13), _WITHOUT_SUCCESSOR),
    ("audioop", (3, 13), "install audioop-lts"),
    ("cgi", (3, 13), "install legacy-cgi"),
    ("cgitb", (3, 13), "install legacy-cgi"),
    ("chunk", (3, 13), _WITHOUT_SUCCESSOR),
    ("crypt", (3, 13), "install legacycrypt or use hashlib"),
    ("imghdr", (3, 13), _WITHOUT_SUCCESSOR),
    ("lib2to3", (3, 13), "install fissix or use libcst"),
    ("mailcap", (3, 13), _WITHOUT_SUCCESSOR),
    ("msilib", (3, 13), _WITHOUT_SUCCESSOR),
    ("nis", (3, 13), _WITHOUT_SUCCESSOR),
    ("nntplib", (3, 13), _WITHOUT_SUCCESSOR),
    ("ossaudiodev", (3, 13), _WITHOUT_SUCCESSOR),
    ("pipes", (3, 13), "use subprocess and shlex"),
    ("sndhdr", (3, 13), _WITHOUT_SUCCESSOR),
    ("spwd", (3, 13), _WITHOUT_SUCCESSOR),
    ("sunau", (3, 13), _WITHOUT_SUCCESSOR),
    ("telnetlib", (3, 13), "install telnetlib3"),
    ("uu", (3, 13), "use binascii"),
    ("xdrlib", (3, 13), _WITHOUT_SUCCESSOR),
)

_OF_PYTHON_2 = {
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "SimpleHTTPServer": "http.server",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "cStringIO": "io",
    "commands": "subprocess",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "httplib": "http.client",
    "md5": "hashlib",
    "sha": "hashlib",
    "thread": "_thread",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "xmlrpclib": "xmlrpc.client",
}

REMOVED_MODULES: dict[str, str] = {
    **{name: f"a module of Python 2; in Python 3 it is {today}" for name, today in _OF_PYTHON_2.items()},
    **{
        name: f"Python {version[0]}.{version[1]} has removed it; {instead}"
        for name, version, instead in _OF_PYTHON_3
        if sys.version_info >= version
    },
}
"""The reasons by the names of the modules that this Python lacks."""
