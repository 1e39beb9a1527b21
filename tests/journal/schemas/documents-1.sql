BEGIN TRANSACTION;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, lane INTEGER NOT NULL, trial INTEGER NOT NULL, run TEXT NOT NULL,
    name TEXT NOT NULL, document TEXT NOT NULL);
INSERT INTO "documents" VALUES(1,'soft-1',1,1,'3fd44290-fca3-414d-a49b-b3541ac7aa23','start','{"uid": "3fd44290-fca3-414d-a49b-b3541ac7aa23", "time": 1795334747.262907, "versions": {"ophyd": "1.11.2", "ophyd_async": "0.21.3", "bluesky": "1.15.1", "event_model": "1.24.0"}, "scan_id": 1, "plan_type": "generator", "plan_name": "pour_and_read", "campaign": "soft-1", "trials": [1], "lab": "soft", "realm": "simulated", "lane": 1, "replicate": 1}');
INSERT INTO "documents" VALUES(2,'soft-1',1,1,'3fd44290-fca3-414d-a49b-b3541ac7aa23','descriptor','{"configuration": {"pump": {"data": {}, "timestamps": {}, "data_keys": {}}}, "data_keys": {"pump_amount": {"source": "soft", "dtype": "number", "shape": [], "units": "mL", "object_name": "pump"}}, "name": "primary", "object_keys": {"pump": ["pump_amount"]}, "run_start": "3fd44290-fca3-414d-a49b-b3541ac7aa23", "time": 1795334747.3022213, "uid": "f563fe1f-981f-42a9-b40d-0cf3ee05732f", "object_classes": {}, "hints": {}}');
INSERT INTO "documents" VALUES(3,'soft-1',1,1,'f563fe1f-981f-42a9-b40d-0cf3ee05732f','event','{"uid": "4ed51371-90bc-48be-a49a-3e8946e647ae", "time": 1795334747.3087134, "data": {"pump_amount": 1.0}, "timestamps": {"pump_amount": 0.0}, "seq_num": 1, "filled": {}, "descriptor": "f563fe1f-981f-42a9-b40d-0cf3ee05732f"}');
INSERT INTO "documents" VALUES(4,'soft-1',1,1,'3fd44290-fca3-414d-a49b-b3541ac7aa23','stop','{"uid": "6f74b15e-f322-4a9b-9725-265e4a164cd1", "time": 1795334747.30988, "run_start": "3fd44290-fca3-414d-a49b-b3541ac7aa23", "exit_status": "success", "reason": "", "num_events": {"primary": 1}}');
INSERT INTO "documents" VALUES(5,'soft-1',1,2,'c6a28a1d-141d-49ca-936d-b9db838da599','start','{"uid": "c6a28a1d-141d-49ca-936d-b9db838da599", "time": 1795334747.3726425, "versions": {"ophyd": "1.11.2", "ophyd_async": "0.21.3", "bluesky": "1.15.1", "event_model": "1.24.0"}, "scan_id": 2, "plan_type": "generator", "plan_name": "pour_and_read", "campaign": "soft-1", "trials": [2], "lab": "soft", "realm": "simulated", "lane": 1, "replicate": 1}');
INSERT INTO "documents" VALUES(6,'soft-1',1,2,'c6a28a1d-141d-49ca-936d-b9db838da599','stop','{"uid": "37263e38-9245-43a7-9608-4883cdf03cca", "time": 1795334747.4003751, "run_start": "c6a28a1d-141d-49ca-936d-b9db838da599", "exit_status": "fail", "reason": "DeviceStatus(device=pump, done=True, success=False)", "num_events": {}}');
CREATE TABLE movements (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, device TEXT NOT NULL, what TEXT NOT NULL,
    begun_lab_s REAL NOT NULL, ended_lab_s REAL NOT NULL, failure TEXT);
CREATE INDEX documents_by_trial ON documents(campaign, trial);
COMMIT;
PRAGMA user_version = 1;
