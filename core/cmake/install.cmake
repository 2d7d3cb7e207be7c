# What `cmake --install` places; the installed program looks for roles and runners relative to itself.
include(GNUInstallDirs)
