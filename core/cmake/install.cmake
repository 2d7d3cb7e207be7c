# What `cmake --install` places; the installed program looks for roles and runners relative to itself (core/cli,
# find_places), so the folder may be moved as a whole. Fixed names instead of GNUInstallDirs: its lib differs by system.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/roles/ DESTINATION share/gpustack/roles)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  DESTINATION share/doc/gpustack)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs ${CMAKE_SOURCE_DIR}/examples DESTINATION share/doc/gpustack)

# Runners are built by presets of their own, one for each architecture; ./dev build collects them here.
set(GPUSTACK_RUNNER_FOLDER ${CMAKE_SOURCE_DIR}/build/bin CACHE PATH "Where gpustack-runner-ARCHITECTURE files are")
install(CODE "
  foreach(architecture aarch64 x86_64)
    set(runner \"${GPUSTACK_RUNNER_FOLDER}/gpustack-runner-\${architecture}\")
    if(EXISTS \"\${runner}\")
      file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/gpustack\" TYPE PROGRAM FILES \"\${runner}\")
    else()
      message(WARNING \"\${runner} is missing: the installed gpustack cannot work on \${architecture} hosts. \"
        \"Run ./dev build, then install again.\")
    endif()
  endforeach()
")

# For scripts that call Ansible's programs: a folder to put first in PATH.
install(CODE "
  set(links \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/gpustack/ansible\")
  file(MAKE_DIRECTORY \"\${links}\")
  foreach(name ansible ansible-inventory ansible-playbook ansible-vault)
    file(CREATE_LINK ../../../bin/gpustack \"\${links}/\${name}\" SYMBOLIC)
  endforeach()
")
