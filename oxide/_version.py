__title__ = "oxide"
__version__ = "0.1.0"
