"""Caches what Ansible's own YAML says.

At every start Ansible reads its settings and the documentation of some sixty of its plugins, with a parser in pure
Python: a third of what a start takes. Each text is parsed once; the outcome is kept as JSON under the text's hash,
beside the compiled programs. A text that says what JSON cannot say the same way is parsed every time.
"""

import atexit
import hashlib
import json
import os

CACHE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__pycache__", "yaml.json")
# The texts of one bundle are a hundred; collections of the host's own have theirs.
MAX_TEXTS = 500
MAX_TEXT_BYTES = 512 * 1024


class Cache:
    def __init__(self):
        self.process = os.getpid()
        self.known = self.read()
        self.is_changed = False

    def read(self):
        try:
            with open(CACHE, encoding="utf-8") as file:
                known = json.load(file)
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def load(self, text, parse):
        """Returns what a text says, by `parse` where that is not known."""
        content = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        if not isinstance(content, bytes) or len(content) > MAX_TEXT_BYTES:
            return parse()
        key = hashlib.sha256(content).hexdigest()
        try:
            # A fresh copy each time: callers change what they get.
            return json.loads(self.known[key])
        except (KeyError, TypeError, ValueError):
            data = parse()
        if len(self.known) < MAX_TEXTS:
            try:
                said = json.dumps(data)
                if json.loads(said) == data:
                    self.known[key] = said
                    self.is_changed = True
            except (TypeError, ValueError):
                pass
        return data

    def write(self):
        """Writes the cache, whole or not at all. A folder that cannot be written to costs time and nothing else."""
        # Ansible's workers are copies of this process.
        if not self.is_changed or os.getpid() != self.process:
            return
        fresh = "%s.%d" % (CACHE, self.process)
        try:
            os.makedirs(os.path.dirname(CACHE), exist_ok=True)
            with open(fresh, "w", encoding="utf-8") as file:
                json.dump(self.known, file)
            os.replace(fresh, CACHE)
        except OSError:
            pass


def cache_parsed():
    """Patches the loaders of settings and documentation. Playbooks are read by Ansible's own."""
    cache = Cache()
    atexit.register(cache.write)

    # Before anything else of Ansible is imported: that reads its settings.
    from ansible.config import manager
    load = manager.yaml_load

    def load_cached(stream, *args, **kwargs):
        text = stream.read() if hasattr(stream, "read") else stream
        return cache.load(text, lambda: load(text, *args, **kwargs))

    manager.yaml_load = load_cached
    from ansible.utils.collection_loader import _collection_meta
    _collection_meta.yaml_load = load_cached

    from ansible.parsing.yaml.loader import AnsibleLoader

    class CachingLoader:
        def __init__(self, text, file_name=None, vault_secrets=None):
            self.text, self.file_name = text, file_name

        def get_single_data(self):
            return cache.load(self.text, self.parse)

        def parse(self):
            return AnsibleLoader(self.text, file_name=self.file_name).get_single_data()

    # Documentation only: playbooks are read as ever, with the places of what they say.
    from ansible.parsing import plugin_docs as docs
    from ansible.plugins import loader
    from ansible.utils import plugin_docs
    for module in (docs, loader, plugin_docs):
        module.AnsibleLoader = CachingLoader
