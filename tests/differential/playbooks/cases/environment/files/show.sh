#!/bin/sh
echo "$LEVEL|$TASK|$EXTRA" >> /opt/script
