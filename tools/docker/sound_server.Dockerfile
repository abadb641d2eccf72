# A sound server for the test: what is played on its sink `air` is heard by its microphone.
ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends pulseaudio pulseaudio-utils
USER 1000
ENV HOME=/tmp
ENTRYPOINT ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", \
  "-L", "module-native-protocol-unix auth-anonymous=1 socket=/run/pulse/native", \
  "-L", "module-null-sink sink_name=loudspeaker rate=48000 channels=2", \
  "-L", "module-null-sink sink_name=air rate=48000 channels=1", \
  "-L", "module-remap-source source_name=microphone master=air.monitor"]
